/** Signed CRLs and their numbers. */
export const crlFunctions: string = `
  CREATE OR REPLACE FUNCTION @.next_crl_number(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_number bigint;
  BEGIN
    UPDATE @.crl_scopes s SET last_number = s.last_number + 1
      WHERE s.issuer_key_id = decode(v_call->>'issuer', 'hex') AND s.shard = (v_call->>'shard')::bigint
      RETURNING s.last_number INTO v_number;
    IF NOT FOUND THEN
      INSERT INTO @.crl_scopes (issuer_key_id, shard, last_number)
        VALUES (decode(v_call->>'issuer', 'hex'), (v_call->>'shard')::bigint, 1) RETURNING last_number INTO v_number;
    END IF;
    -- As text: a number of JavaScript does not hold all 63 bits.
    RETURN pg_catalog.to_jsonb(v_number::text);
  END $function$;

  -- Makes an upload the current CRL of its name. What it replaces stays for those who are reading it, until it is removed as an upload.
  CREATE OR REPLACE FUNCTION @.put_crl(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_issuer bytea := decode(v_call->>'issuer', 'hex');
    v_shard bigint := (v_call->>'shard')::bigint;
    v_delta boolean := (v_call->>'delta')::boolean;
    v_number bigint := (v_call->>'crlNumber')::bigint;
    v_upload bytea := decode(v_call->>'upload', 'hex');
    v_digest bytea := decode(v_call->>'digest', 'hex');
    v_parts bigint := (v_call->>'parts')::bigint;
    v_scope bigint;
    v_current record;
  BEGIN
    SELECT s.scope INTO v_scope FROM @.crl_scopes s WHERE s.issuer_key_id = v_issuer AND s.shard = v_shard;
    SELECT l.crl_number, l.digest, l.upload INTO v_current FROM @.crls l WHERE l.scope = v_scope AND l.delta = v_delta;
    IF v_current.crl_number = v_number AND v_current.digest = v_digest THEN RETURN 'true'; END IF;
    IF NOT @.is_current_lease(v_call) OR v_number <= v_current.crl_number THEN RETURN 'false'; END IF;
    -- Whoever removes old uploads waits for this row, or has been here before.
    DELETE FROM @.crl_uploads u WHERE u.upload = v_upload;
    IF v_parts > 0 AND (NOT FOUND OR (SELECT count(*) FROM @.crl_parts p WHERE p.upload = v_upload) <> v_parts) THEN
      RETURN '{"error": "uploadGone"}';
    END IF;
    IF v_scope IS NULL THEN
      INSERT INTO @.crl_scopes (issuer_key_id, shard) VALUES (v_issuer, v_shard) RETURNING scope INTO v_scope;
    END IF;
    UPDATE @.crl_scopes s SET last_number = v_number WHERE s.scope = v_scope AND s.last_number < v_number;
    INSERT INTO @.crls (scope, delta, crl_number, this_update, next_update, note, upload, parts, digest)
      VALUES (v_scope, v_delta, v_number, (v_call->>'thisUpdate')::bigint, (v_call->>'nextUpdate')::bigint,
        v_call->>'note', v_upload, v_parts, v_digest)
      ON CONFLICT (scope, delta) DO UPDATE SET crl_number = excluded.crl_number, this_update = excluded.this_update,
        next_update = excluded.next_update, note = excluded.note, upload = excluded.upload, parts = excluded.parts,
        digest = excluded.digest;
    IF v_current.upload IS NOT NULL THEN
      INSERT INTO @.crl_uploads (upload, since) VALUES (v_current.upload, clock_timestamp());
    END IF;
    PERFORM @.append(v_call->'events');
    RETURN 'true';
  END $function$;

  CREATE OR REPLACE VIEW @.crl_heads AS
    SELECT s.issuer_key_id, s.shard, s.last_change, l.delta, l.crl_number::text AS crl_number, l.this_update,
      l.next_update, l.note, l.upload, l.parts
    FROM @.crl_scopes s LEFT JOIN @.crls l ON l.scope = s.scope;
`
