/** What reads certificates, and what of them other functions share. */
export const certificateFunctions: string = `
  CREATE OR REPLACE VIEW @.records AS
    SELECT c.ordinal, c.issuer_key_id, c.serial_number, c.state, c.role, c.profile, c.device_id, c.owner, c.attributes,
      c.public_key_hash, c.not_before, c.not_after, c.shard, c.created_at, i.der, i.fingerprint, p.tbs_certificate,
      p.instance, p.lease_until, c.superseded_at, c.revocation_date, c.reason, c.invalidity_date, c.device
    FROM @.certificates c
      LEFT JOIN @.issued i ON i.ordinal = c.ordinal LEFT JOIN @.pending p ON p.ordinal = c.ordinal;

  -- Throws FC002 on a standby, which may be behind. As a condition of a query without columns it is asked once, and first.
  CREATE OR REPLACE FUNCTION @.assert_primary() RETURNS boolean STABLE LANGUAGE plpgsql AS $function$
  BEGIN
    IF pg_is_in_recovery() THEN RAISE SQLSTATE 'FC002'; END IF;
    RETURN true;
  END $function$;

  CREATE OR REPLACE FUNCTION @.record_by_fingerprint(v_fingerprint bytea) RETURNS SETOF @.records
  STABLE LANGUAGE plpgsql AS $function$
  BEGIN
    PERFORM @.assert_primary();
    RETURN QUERY SELECT * FROM @.records r WHERE r.fingerprint = v_fingerprint;
  END $function$;

  CREATE OR REPLACE FUNCTION @.record_by_id(v_issuer bytea, v_serial bytea) RETURNS SETOF @.records
  STABLE LANGUAGE plpgsql AS $function$
  BEGIN
    PERFORM @.assert_primary();
    RETURN QUERY SELECT * FROM @.records r WHERE r.issuer_key_id = v_issuer AND r.serial_number = v_serial;
  END $function$;

  CREATE OR REPLACE FUNCTION @.status_by_id(v_issuer bytea, v_serial bytea)
  RETURNS TABLE (state text, revocation_date bigint, reason text, invalidity_date bigint)
  STABLE LANGUAGE plpgsql AS $function$
  BEGIN
    PERFORM @.assert_primary();
    RETURN QUERY SELECT c.state, c.revocation_date, c.reason, c.invalidity_date FROM @.certificates c
      WHERE c.issuer_key_id = v_issuer AND c.serial_number = v_serial;
  END $function$;

  -- The ids of certificates as [issuer, serial number], in the order given.
  CREATE OR REPLACE FUNCTION @.ids_of(v_ordinals bigint[]) RETURNS jsonb LANGUAGE sql AS $function$
    SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(encode(c.issuer_key_id, 'hex'), encode(c.serial_number, 'hex'))
      ORDER BY o.place), '[]')
    FROM unnest(v_ordinals) WITH ORDINALITY o (ordinal, place) JOIN @.certificates c ON c.ordinal = o.ordinal
  $function$;

  -- Whether a certificate cannot be renewed for having been renewed. What is good yet, and was replaced by what has been revoked for good, with all that has replaced that in turn, is the device's best again.
  CREATE OR REPLACE FUNCTION @.is_replaced(v_superseded_at bigint, v_superseded_by bigint, v_at bigint)
  RETURNS boolean LANGUAGE plpgsql AS $function$
  DECLARE
    v_next bigint := v_superseded_by;
    v_reason text;
  BEGIN
    IF v_superseded_at IS NULL THEN RETURN false; END IF;
    IF v_superseded_at <= v_at THEN RETURN true; END IF;
    SELECT c.reason, c.superseded_by INTO v_reason, v_next FROM @.certificates c WHERE c.ordinal = v_next;
    IF NOT FOUND THEN RETURN true; END IF;
    WHILE FOUND LOOP
      IF v_reason IS NULL OR v_reason = 'certificateHold' THEN RETURN true; END IF;
      SELECT c.reason, c.superseded_by INTO v_reason, v_next FROM @.certificates c WHERE c.ordinal = v_next;
    END LOOP;
    RETURN false;
  END $function$;

  -- Makes the certificate the newest of its device, unless a newer one is there.
  CREATE OR REPLACE FUNCTION @.offer_newest(v_ordinal bigint) RETURNS void LANGUAGE plpgsql AS $function$
  BEGIN
    UPDATE @.devices d SET newest = c.ordinal, owner = c.owner, role = c.role, not_after = c.not_after
      FROM @.certificates c
      WHERE c.ordinal = v_ordinal AND d.device = c.device AND (d.newest IS NULL OR d.newest < c.ordinal);
  END $function$;

  -- The row of a certificate; its ordinal, which is the next one where none is given. v_device is NULL where there is no device.
  CREATE OR REPLACE FUNCTION @.insert_certificate(v_call jsonb, v_state text, v_device bigint, v_epoch bigint)
  RETURNS bigint LANGUAGE plpgsql AS $function$
  DECLARE
    v_ordinal bigint;
    v_pairs bytea[];
  BEGIN
    IF v_call ? 'pairs' THEN
      v_pairs := ARRAY(SELECT decode(p.pair, 'hex') FROM jsonb_array_elements_text(v_call->'pairs') p (pair));
    END IF;
    v_ordinal := coalesce((v_call->>'ordinal')::bigint, nextval('@.certificates_ordinal_seq'));
    INSERT INTO @.certificates (ordinal, issuer_key_id, serial_number, role, profile, device, device_id, owner, attributes, pairs,
      public_key_hash, not_before, not_after, shard, created_at, epoch, state)
    OVERRIDING SYSTEM VALUE
    VALUES (v_ordinal, decode(v_call->>'issuer', 'hex'), decode(v_call->>'serial', 'hex'), v_call->>'role', v_call->>'profile',
      v_device, v_call->>'deviceId', v_call->>'owner', v_call->>'attributes', v_pairs,
      decode(v_call->>'publicKeyHash', 'hex'), (v_call->>'notBefore')::bigint, (v_call->>'notAfter')::bigint,
      (v_call->>'shard')::bigint, (v_call->>'createdAt')::bigint, v_epoch, v_state);
    IF v_pairs IS NOT NULL THEN
      INSERT INTO @.certificate_attributes (pair, ordinal) SELECT DISTINCT p.pair, v_ordinal FROM unnest(v_pairs) p (pair);
    END IF;
    RETURN v_ordinal;
  END $function$;

  -- Forgets certificates, with all that is known of them alone.
  CREATE OR REPLACE FUNCTION @.drop_rows(v_rows bigint[]) RETURNS void LANGUAGE plpgsql AS $function$
  BEGIN
    DELETE FROM @.crl_entries e USING @.certificates c, @.crl_scopes s
      WHERE c.ordinal = ANY (v_rows) AND c.revocation_order IS NOT NULL
        AND s.issuer_key_id = c.issuer_key_id AND s.shard = c.shard
        AND e.scope = s.scope AND e.place = c.revocation_order;
    DELETE FROM @.certificate_attributes a USING @.certificates c
      WHERE c.ordinal = ANY (v_rows) AND a.pair = ANY (c.pairs) AND a.ordinal = c.ordinal;
    DELETE FROM @.issued i WHERE i.ordinal = ANY (v_rows);
    DELETE FROM @.pending p WHERE p.ordinal = ANY (v_rows);
    DELETE FROM @.certificates c WHERE c.ordinal = ANY (v_rows);
  END $function$;
`
