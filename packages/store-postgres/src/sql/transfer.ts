/** What fleets are moved with. */
export const transferFunctions: string = `
  -- Leases and places of consumers do not count: somebody has looked in, and that is all.
  CREATE OR REPLACE FUNCTION @.is_empty() RETURNS boolean STABLE LANGUAGE sql AS $function$
    SELECT NOT EXISTS (SELECT FROM @.certificates) AND NOT EXISTS (SELECT FROM @.ledger)
      AND NOT EXISTS (SELECT FROM @.documents) AND NOT EXISTS (SELECT FROM @.tokens)
      AND NOT EXISTS (SELECT FROM @.blocked_keys) AND NOT EXISTS (SELECT FROM @.crl_scopes)
      AND NOT EXISTS (SELECT FROM @.devices) AND NOT (SELECT s.is_called FROM @.certificates_ordinal_seq s)
  $function$;

  CREATE OR REPLACE FUNCTION @.change_state(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    UPDATE @.fleet f SET state = v_call->>'to', note = '' WHERE f.state = v_call->>'from';
    RETURN pg_catalog.to_jsonb(EXISTS (SELECT FROM @.fleet f WHERE f.state = v_call->>'to'));
  END $function$;

  CREATE OR REPLACE VIEW @.moving_certificates AS
    SELECT r.*, c.epoch, p.supersedes, p.supersede_at, c.superseded_by, c.revocation_order, e.change,
      -- As every store can say it: see RevocationPlace.
      CASE WHEN e.held_at > c.not_after THEN e.held_at ELSE e.held_at - mod(mod(e.held_at, 1000) + 1000, 1000) END AS held_at
    FROM @.records r JOIN @.certificates c ON c.ordinal = r.ordinal LEFT JOIN @.pending p ON p.ordinal = r.ordinal
      LEFT JOIN @.crl_scopes s ON s.issuer_key_id = c.issuer_key_id AND s.shard = c.shard AND c.revocation_order IS NOT NULL
      LEFT JOIN @.crl_entries e ON e.scope = s.scope AND e.place = c.revocation_order;

  CREATE OR REPLACE VIEW @.moving_scopes AS
    SELECT s.scope, s.issuer_key_id, s.shard, s.last_number::text AS last_number, s.last_change, s.last_place
    FROM @.crl_scopes s;

  CREATE OR REPLACE VIEW @.moving_crls AS
    SELECT l.scope, s.issuer_key_id, s.shard, l.delta, l.crl_number::text AS crl_number, l.this_update, l.next_update,
      l.note, l.parts, l.digest
    FROM @.crls l JOIN @.crl_scopes s ON s.scope = l.scope;

  CREATE OR REPLACE VIEW @.moving_parts AS
    SELECT l.scope, s.issuer_key_id, s.shard, l.delta, l.crl_number::text AS crl_number, p.part, p.der
    FROM @.crl_parts p JOIN @.crls l ON l.upload = p.upload JOIN @.crl_scopes s ON s.scope = l.scope;

  CREATE OR REPLACE VIEW @.moving_head AS
    SELECT (SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END FROM @.certificates_ordinal_seq s) AS last_ordinal,
      coalesce((SELECT max(l.sequence) FROM @.ledger l), 0) AS last_sequence,
      greatest(f.newest_at, (SELECT l.newest_at FROM @.ledger l ORDER BY l.sequence DESC LIMIT 1)) AS newest_at
    FROM @.fleet f;

  -- What a key finds, or NULL.
  CREATE OR REPLACE FUNCTION @.find_record(v_key jsonb) RETURNS jsonb STABLE LANGUAGE plpgsql AS $function$
  DECLARE
    v_hash bytea := decode(v_key->>'hash', 'hex');
    v_issuer bytea := decode(v_key->>'issuer', 'hex');
    v_shard bigint := (v_key->>'shard')::bigint;
    v_delta boolean := (v_key->>'delta')::boolean;
    v_name text := v_key->>'name';
  BEGIN
    CASE v_key->>'kind'
      WHEN 'certificate' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.moving_certificates r
        WHERE r.issuer_key_id = v_issuer AND r.serial_number = decode(v_key->>'serial', 'hex'));
      WHEN 'event' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.ledger r WHERE r.sequence = (v_key->>'sequence')::bigint);
      WHEN 'device' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.devices r WHERE r.device_id = v_name AND r.epoch > 0);
      WHEN 'blockedKey' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.blocked_keys r WHERE r.public_key_hash = v_hash);
      WHEN 'token' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.tokens r WHERE r.hash = v_hash);
      WHEN 'document' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.documents r WHERE r.name = v_name);
      WHEN 'crlScope' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.moving_scopes r
        WHERE r.issuer_key_id = v_issuer AND r.shard = v_shard);
      WHEN 'crl' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.moving_crls r
        WHERE r.issuer_key_id = v_issuer AND r.shard = v_shard AND r.delta = v_delta);
      WHEN 'crlPart' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.moving_parts r
        WHERE r.issuer_key_id = v_issuer AND r.shard = v_shard AND r.delta = v_delta
          AND r.crl_number = v_key->>'crlNumber' AND r.part = (v_key->>'part')::bigint);
      WHEN 'lease' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.leases r WHERE r.name = v_name);
      WHEN 'consumer' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.consumers r WHERE r.name = v_name);
      WHEN 'head' THEN RETURN (SELECT pg_catalog.to_jsonb(r) FROM @.moving_head r);
    END CASE;
  END $function$;

  -- Keeps records, all or none. A record that is there already is replaced; counters never go back.
  CREATE OR REPLACE FUNCTION @.import_records(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_id bytea := decode(v_call->>'fleetId', 'hex');
    v_fleet record;
    v_record jsonb;
    v_kind text;
  BEGIN
    SELECT f.state, f.fleet_id INTO v_fleet FROM @.fleet f;
    IF NOT (v_fleet.state = 'receiving' AND v_fleet.fleet_id = v_id OR v_fleet.state = 'open' AND @.is_empty()) THEN
      RETURN '{"error": "inUse"}';
    END IF;
    UPDATE @.fleet f SET state = 'receiving', fleet_id = v_id, note = v_call->>'note';
    FOR v_record IN SELECT r.record FROM jsonb_array_elements(v_call->'records') r (record) LOOP
      v_kind := v_record->>'kind';
      PERFORM @.import_record(v_kind, v_record);
    END LOOP;
    RETURN 'null';
  EXCEPTION
    WHEN unique_violation OR check_violation OR not_null_violation THEN
      RETURN pg_catalog.jsonb_build_object('error', 'record', 'kind', v_kind, 'reason', 'it contradicts what is there');
    WHEN SQLSTATE 'FC004' THEN
      RETURN pg_catalog.jsonb_build_object('error', 'record', 'kind', v_kind, 'reason', SQLERRM);
  END $function$;

  CREATE OR REPLACE FUNCTION @.open_device(v_device_id text) RETURNS bigint LANGUAGE plpgsql AS $function$
  DECLARE
    v_device bigint;
  BEGIN
    SELECT d.device INTO v_device FROM @.devices d WHERE d.device_id = v_device_id;
    IF NOT FOUND AND v_device_id IS NOT NULL THEN
      INSERT INTO @.devices (device_id) VALUES (v_device_id) RETURNING device INTO v_device;
    END IF;
    RETURN v_device;
  END $function$;

  CREATE OR REPLACE FUNCTION @.open_scope(v_issuer bytea, v_shard bigint) RETURNS bigint LANGUAGE plpgsql AS $function$
  DECLARE
    v_scope bigint;
  BEGIN
    SELECT s.scope INTO v_scope FROM @.crl_scopes s WHERE s.issuer_key_id = v_issuer AND s.shard = v_shard;
    IF NOT FOUND THEN
      INSERT INTO @.crl_scopes (issuer_key_id, shard) VALUES (v_issuer, v_shard) RETURNING scope INTO v_scope;
    END IF;
    RETURN v_scope;
  END $function$;

  CREATE OR REPLACE FUNCTION @.import_certificate(v_record jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_issuer bytea := decode(v_record->>'issuer', 'hex');
    v_serial bytea := decode(v_record->>'serial', 'hex');
    v_ordinal bigint := (v_record->>'ordinal')::bigint;
    v_date bigint := (v_record->>'date')::bigint;
    v_held_at bigint := (v_record->>'heldAt')::bigint;
    v_place bigint := (v_record->>'place')::bigint;
    v_device bigint := @.open_device(v_record->>'deviceId');
  BEGIN
    -- Another certificate of that ordinal, id or fingerprint stays, and stands in the way of the insertion.
    IF EXISTS (SELECT FROM @.certificates c
      WHERE c.ordinal = v_ordinal AND c.issuer_key_id = v_issuer AND c.serial_number = v_serial) THEN
      PERFORM @.drop_rows(ARRAY[v_ordinal]);
    END IF;
    PERFORM @.insert_certificate(v_record, v_record->>'state', v_device, (v_record->>'epoch')::bigint);
    UPDATE @.certificates c SET superseded_at = (v_record->>'supersededAt')::bigint,
        superseded_by = (v_record->>'supersededBy')::bigint, revocation_order = v_place, revocation_date = v_date,
        reason = v_record->>'reason', invalidity_date = (v_record->>'invalidityDate')::bigint
      WHERE c.ordinal = v_ordinal;
    IF v_record ? 'tbsCertificate' THEN
      INSERT INTO @.pending (ordinal, tbs_certificate, instance, lease_until, supersedes, supersede_at)
        VALUES (v_ordinal, decode(v_record->>'tbsCertificate', 'hex'), v_record->>'instance',
          (v_record->>'leaseUntil')::bigint, (v_record->>'supersedes')::bigint, (v_record->>'supersedeAt')::bigint);
    ELSE
      INSERT INTO @.issued (ordinal, fingerprint, der)
        VALUES (v_ordinal, decode(v_record->>'fingerprint', 'hex'), decode(v_record->>'der', 'hex'));
      PERFORM @.offer_newest(v_ordinal);
    END IF;
    IF v_place IS NOT NULL THEN
      INSERT INTO @.crl_entries (scope, place, ordinal, change, ended, held_at, entry)
        VALUES (@.open_scope(v_issuer, (v_record->>'shard')::bigint), v_place, v_ordinal, (v_record->>'change')::bigint,
          greatest((v_record->>'notAfter')::bigint, coalesce(v_date, v_held_at)),
          CASE WHEN v_date IS NULL THEN v_held_at END,
          @.crl_entry(v_serial, coalesce(v_date, v_held_at),
            CASE WHEN v_date IS NULL THEN 'removeFromCRL' ELSE v_record->>'reason' END,
            (v_record->>'invalidityDate')::bigint));
    END IF;
  END $function$;

  CREATE OR REPLACE FUNCTION @.import_event(v_record jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_sequence bigint := (v_record->>'sequence')::bigint;
    v_at bigint := (v_record->>'at')::bigint;
    v_known @.ledger;
    v_event @.ledger;
  BEGIN
    v_event := ROW(v_sequence, v_record->>'type', v_at,
      greatest(v_at, (SELECT l.newest_at FROM @.ledger l ORDER BY l.sequence DESC LIMIT 1)), v_record->>'deviceId',
      decode(v_record->>'issuer', 'hex'), decode(v_record->>'serial', 'hex'), v_record->>'fingerprint', v_record->>'details');
    SELECT l.* INTO v_known FROM @.ledger l WHERE l.sequence = v_sequence;
    IF NOT FOUND THEN
      INSERT INTO @.ledger SELECT v_event.*;
      RETURN;
    END IF;
    v_event.newest_at := v_known.newest_at;
    IF v_event IS DISTINCT FROM v_known THEN
      RAISE SQLSTATE 'FC004' USING MESSAGE = 'another event has its sequence number';
    END IF;
  END $function$;

  CREATE OR REPLACE FUNCTION @.import_crl(v_record jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_scope bigint := @.open_scope(decode(v_record->>'issuer', 'hex'), (v_record->>'shard')::bigint);
    v_delta boolean := (v_record->>'delta')::boolean;
    v_number bigint := (v_record->>'crlNumber')::bigint;
    v_upload bytea;
    v_known bigint;
  BEGIN
    SELECT l.upload, l.crl_number INTO v_upload, v_known FROM @.crls l WHERE l.scope = v_scope AND l.delta = v_delta;
    DELETE FROM @.crl_parts p WHERE p.upload = v_upload
      AND (v_known <> v_number OR p.part >= (v_record->>'parts')::bigint);
    INSERT INTO @.crls (scope, delta, crl_number, this_update, next_update, note, upload, parts, digest)
      VALUES (v_scope, v_delta, v_number, (v_record->>'thisUpdate')::bigint, (v_record->>'nextUpdate')::bigint,
        v_record->>'note', coalesce(v_upload, decode(replace(gen_random_uuid()::text, '-', ''), 'hex')),
        (v_record->>'parts')::bigint, decode(v_record->>'digest', 'hex'))
      ON CONFLICT (scope, delta) DO UPDATE SET crl_number = excluded.crl_number, this_update = excluded.this_update,
        next_update = excluded.next_update, note = excluded.note, parts = excluded.parts, digest = excluded.digest;
  END $function$;

  CREATE OR REPLACE FUNCTION @.import_part(v_record jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_upload bytea;
    v_part bigint := (v_record->>'part')::bigint;
  BEGIN
    SELECT l.upload INTO v_upload FROM @.crls l JOIN @.crl_scopes s ON s.scope = l.scope
      WHERE s.issuer_key_id = decode(v_record->>'issuer', 'hex') AND s.shard = (v_record->>'shard')::bigint
        AND l.delta = (v_record->>'delta')::boolean AND l.crl_number = (v_record->>'crlNumber')::bigint
        AND l.parts > v_part;
    IF NOT FOUND THEN RAISE SQLSTATE 'FC004' USING MESSAGE = 'it is no part of the current CRL'; END IF;
    INSERT INTO @.crl_parts (upload, part, der) VALUES (v_upload, v_part, decode(v_record->>'octets', 'hex'))
      ON CONFLICT (upload, part) DO UPDATE SET der = excluded.der;
  END $function$;

  CREATE OR REPLACE FUNCTION @.import_record(v_kind text, v_record jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_row bigint;
  BEGIN
    CASE v_kind
      WHEN 'certificate' THEN PERFORM @.import_certificate(v_record);
      WHEN 'event' THEN PERFORM @.import_event(v_record);
      WHEN 'crl' THEN PERFORM @.import_crl(v_record);
      WHEN 'crlPart' THEN PERFORM @.import_part(v_record);
      WHEN 'device' THEN
        -- First: what a query makes while it runs, it does not see.
        v_row := @.open_device(v_record->>'deviceId');
        UPDATE @.devices d SET epoch = greatest(d.epoch, (v_record->>'epoch')::bigint) WHERE d.device = v_row;
      WHEN 'blockedKey' THEN
        INSERT INTO @.blocked_keys (public_key_hash) VALUES (decode(v_record->>'hash', 'hex')) ON CONFLICT DO NOTHING;
      WHEN 'token' THEN
        INSERT INTO @.tokens (hash, device_id, expires_at, profile, owner, attributes, epoch, spent_by)
          VALUES (decode(v_record->>'hash', 'hex'), v_record->>'deviceId', (v_record->>'expiresAt')::bigint,
            v_record->>'profile', v_record->>'owner', v_record->>'attributes', (v_record->>'epoch')::bigint,
            (v_record->>'spentBy')::bigint)
          ON CONFLICT (hash) DO UPDATE SET device_id = excluded.device_id, expires_at = excluded.expires_at,
            profile = excluded.profile, owner = excluded.owner, attributes = excluded.attributes, epoch = excluded.epoch,
            spent_by = excluded.spent_by;
      WHEN 'document' THEN
        INSERT INTO @.documents (name, version, value)
          VALUES (v_record->>'name', (v_record->>'version')::bigint, decode(v_record->>'value', 'hex'))
          ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value;
      WHEN 'crlScope' THEN
        v_row := @.open_scope(decode(v_record->>'issuer', 'hex'), (v_record->>'shard')::bigint);
        UPDATE @.crl_scopes s SET last_number = greatest(s.last_number, (v_record->>'lastNumber')::bigint),
            last_change = greatest(s.last_change, (v_record->>'lastChange')::bigint),
            last_place = greatest(s.last_place, (v_record->>'lastPlace')::bigint)
          WHERE s.scope = v_row;
      WHEN 'lease' THEN
        INSERT INTO @.leases AS l (name, holder, fence, until)
          VALUES (v_record->>'name', NULL, (v_record->>'fence')::bigint, 0)
          ON CONFLICT (name) DO UPDATE SET holder = NULL, fence = greatest(l.fence, excluded.fence);
      WHEN 'consumer' THEN
        INSERT INTO @.consumers (name, cursor) VALUES (v_record->>'name', v_record->>'cursor')
          ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor;
      WHEN 'head' THEN
        IF (v_record->>'lastOrdinal')::bigint > (SELECT h.last_ordinal FROM @.moving_head h) THEN
          PERFORM setval('@.certificates_ordinal_seq', (v_record->>'lastOrdinal')::bigint);
        END IF;
        UPDATE @.fleet f SET newest_at = greatest(f.newest_at, (v_record->>'newestAt')::bigint);
    END CASE;
  END $function$;
`
