/** Documents, leases, tokens and retention. */
export const restFunctions: string = `
  -- The store's own time: the caller's clock where it has one, else the server's, which is one for all.
  CREATE OR REPLACE FUNCTION @.now_of(v_call jsonb) RETURNS bigint LANGUAGE sql AS $function$
    SELECT coalesce((v_call->>'now')::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
  $function$;

  CREATE OR REPLACE FUNCTION @.lease(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_now bigint := @.now_of(v_call);
    v_until bigint := v_now + (v_call->>'milliseconds')::bigint;
    v_row record;
    v_fence bigint;
  BEGIN
    SELECT l.holder, l.fence, l.until INTO v_row FROM @.leases l WHERE l.name = v_call->>'name';
    IF v_row.holder = v_call->>'holder' THEN
      v_fence := v_row.fence;
    ELSIF v_row.holder IS NOT NULL AND v_row.until > v_now THEN
      RETURN 'null';
    ELSE
      v_fence := coalesce(v_row.fence, 0) + 1;
    END IF;
    INSERT INTO @.leases (name, holder, fence, until) VALUES (v_call->>'name', v_call->>'holder', v_fence, v_until)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until;
    RETURN pg_catalog.jsonb_build_array(v_fence, v_until);
  END $function$;

  CREATE OR REPLACE FUNCTION @.release_lease(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    UPDATE @.leases l SET holder = NULL WHERE l.name = v_call->>'name' AND l.fence = (v_call->>'fence')::bigint;
    RETURN 'null';
  END $function$;

  -- Nobody has held it since, and it was not given back. One that ran out is still good while nobody else took it: no other holder can have acted. A call without one needs none.
  CREATE OR REPLACE FUNCTION @.is_current_lease(v_call jsonb) RETURNS boolean LANGUAGE plpgsql AS $function$
  BEGIN
    RETURN NOT v_call ? 'lease' OR EXISTS (SELECT FROM @.leases l WHERE l.name = v_call->'lease'->>0
      AND l.fence = (v_call->'lease'->>1)::bigint AND l.holder IS NOT NULL);
  END $function$;

  CREATE OR REPLACE FUNCTION @.put_document(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_value bytea := decode(v_call->>'value', 'hex');
    v_expected bigint := (v_call->>'expectedVersion')::bigint;
    v_current record;
  BEGIN
    SELECT d.version, d.value INTO v_current FROM @.documents d WHERE d.name = v_call->>'name';
    IF v_current.version = v_expected + 1 AND v_current.value = v_value THEN RETURN 'true'; END IF;
    IF NOT @.is_current_lease(v_call) OR coalesce(v_current.version, 0) <> v_expected THEN RETURN 'false'; END IF;
    INSERT INTO @.documents (name, version, value) VALUES (v_call->>'name', v_expected + 1, v_value)
      ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value;
    PERFORM @.append(v_call->'events');
    RETURN 'true';
  END $function$;

  CREATE OR REPLACE FUNCTION @.add_token(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    INSERT INTO @.tokens (hash, device_id, expires_at, profile, owner, attributes, epoch)
      VALUES (decode(v_call->>'hash', 'hex'), v_call->>'deviceId', (v_call->>'expiresAt')::bigint, v_call->>'profile',
        v_call->>'owner', v_call->>'attributes',
        coalesce((SELECT d.epoch FROM @.devices d WHERE d.device_id = v_call->>'deviceId'), 0))
      ON CONFLICT DO NOTHING;
    IF FOUND THEN PERFORM @.append(v_call->'events'); END IF;
    RETURN 'null';
  END $function$;

  CREATE OR REPLACE FUNCTION @.prune_tokens(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_count bigint;
  BEGIN
    DELETE FROM @.tokens t WHERE t.hash IN (SELECT o.hash FROM @.tokens o
      WHERE o.expires_at < (v_call->>'before')::bigint ORDER BY o.expires_at LIMIT (v_call->>'limit')::bigint);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN pg_catalog.to_jsonb(v_count);
  END $function$;

  -- RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL issued beyond the revoked certificate's validity period."
  CREATE OR REPLACE FUNCTION @.prune_certificates(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_rows bigint[];
    v_devices bigint[];
  BEGIN
    v_rows := ARRAY(SELECT c.ordinal FROM @.certificates c
      WHERE c.not_after < (v_call->>'before')::bigint AND (c.reason IS NULL OR c.state = 'pinned' OR EXISTS (
        SELECT FROM @.crl_scopes s JOIN @.crls l ON l.scope = s.scope
        WHERE s.issuer_key_id = c.issuer_key_id AND s.shard = c.shard AND NOT l.delta
          AND l.this_update > c.not_after AND l.this_update > c.revocation_date))
      ORDER BY c.not_after LIMIT (v_call->>'limit')::bigint);
    v_devices := ARRAY(SELECT DISTINCT c.device FROM @.certificates c
      WHERE c.ordinal = ANY (v_rows) AND c.device IS NOT NULL);
    PERFORM @.drop_rows(v_rows);
    -- The newest that is left of each device, or none.
    UPDATE @.devices d SET newest = n.ordinal, owner = n.owner, role = n.role, not_after = n.not_after
      FROM unnest(v_devices) o (device) LEFT JOIN LATERAL (
        SELECT c.* FROM @.certificates c WHERE c.device = o.device AND c.state IN ('issued', 'pinned')
        ORDER BY c.ordinal DESC LIMIT 1) n ON true
      WHERE d.device = o.device AND d.newest = ANY (v_rows);
    -- A device that nothing is known of any more. An epoch above 0 says that it was revoked: that is not forgotten.
    DELETE FROM @.devices d WHERE d.device = ANY (v_devices) AND d.epoch = 0
      AND NOT EXISTS (SELECT FROM @.certificates c WHERE c.device = d.device);
    RETURN pg_catalog.to_jsonb(cardinality(v_rows));
  END $function$;
`
