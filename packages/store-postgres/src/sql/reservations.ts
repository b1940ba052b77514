/** `reserve`, `commit`, `supersede`, `abandon`, `extendHolder`, `register`: each as the Store interface tells it. */
export const reservationFunctions: string = `
  -- Takes reservations from their holders, and says so in the ledger.
  CREATE OR REPLACE FUNCTION @.abandon_rows(v_ordinals bigint[], v_at bigint) RETURNS void LANGUAGE plpgsql AS $function$
  BEGIN
    IF cardinality(v_ordinals) = 0 THEN RETURN; END IF;
    UPDATE @.certificates c SET state = 'abandoned' WHERE c.ordinal = ANY (v_ordinals);
    UPDATE @.pending p SET instance = NULL, lease_until = NULL, supersedes = NULL WHERE p.ordinal = ANY (v_ordinals);
    PERFORM @.append_each(v_ordinals, pg_catalog.jsonb_build_object('type', 'abandoned', 'at', v_at), true);
  END $function$;

  CREATE OR REPLACE FUNCTION @.reserve(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_device_id text := v_call->>'deviceId';
    v_created_at bigint := (v_call->>'createdAt')::bigint;
    v_tbs bytea := decode(v_call->>'tbsCertificate', 'hex');
    v_instance text := v_call->>'instance';
    v_known record;
    v_device bigint;
    v_epoch bigint;
    v_old record;
    v_supersedes bigint;
    v_token record;
    v_is_open boolean;
    v_lapsed bigint[] := '{}';
    v_ordinal bigint;
  BEGIN
    SELECT c.device_id, p.tbs_certificate, p.instance INTO v_known
      FROM @.certificates c LEFT JOIN @.pending p ON p.ordinal = c.ordinal
      WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex') AND c.serial_number = decode(v_call->>'serial', 'hex');
    IF FOUND THEN
      -- Of an abandoned one the holder is gone; its commit answers 'lost'.
      RETURN pg_catalog.to_jsonb(CASE WHEN v_known.tbs_certificate = v_tbs AND v_known.device_id IS NOT DISTINCT FROM v_device_id
        AND coalesce(v_known.instance = v_instance, true) THEN 'reserved' ELSE 'serialTaken' END);
    END IF;
    IF EXISTS (SELECT FROM @.blocked_keys b WHERE b.public_key_hash = decode(v_call->>'publicKeyHash', 'hex')) THEN
      RETURN '"keyBlocked"';
    END IF;
    SELECT d.device, d.epoch INTO v_device, v_epoch FROM @.devices d WHERE d.device_id = v_device_id;

    IF v_call->>'expect' = 'newDevice' AND v_device IS NOT NULL THEN
      SELECT coalesce(array_agg(c.ordinal ORDER BY c.ordinal) FILTER (WHERE c.state = 'reserved'), '{}') AS open,
        coalesce(bool_or(CASE WHEN c.state = 'reserved' THEN p.lease_until >= v_created_at
          ELSE c.state IN ('issued', 'pinned') AND c.not_after >= v_created_at
            AND (c.superseded_at IS NULL OR c.superseded_at > v_created_at) END), false) AS is_taken INTO v_old
        FROM @.certificates c LEFT JOIN @.pending p ON p.ordinal = c.ordinal
        -- A hold can be taken back, so it ends nothing yet.
        WHERE c.device = v_device AND (c.reason IS NULL OR c.reason = 'certificateHold');
      IF v_old.is_taken THEN RETURN '"expectationFailed"'; END IF;
      v_lapsed := v_old.open;
    ELSIF v_call->>'expect' = 'supersedes' THEN
      SELECT c.ordinal, c.device_id, c.reason, c.superseded_at, c.superseded_by INTO v_old
        FROM @.issued i JOIN @.certificates c ON c.ordinal = i.ordinal
        WHERE i.fingerprint = decode(v_call->>'supersedes', 'hex');
      IF NOT FOUND OR v_old.device_id IS NULL OR v_old.device_id IS DISTINCT FROM v_device_id
        OR v_old.reason IS NOT NULL THEN
        RETURN '"deviceClosed"';
      END IF;
      IF @.is_replaced(v_old.superseded_at, v_old.superseded_by, v_created_at) THEN RETURN '"expectationFailed"'; END IF;
      v_supersedes := v_old.ordinal;
      SELECT coalesce(array_agg(p.ordinal ORDER BY p.ordinal), '{}') AS open,
        coalesce(bool_or(p.lease_until >= v_created_at), false) AS is_taken INTO v_old
        FROM @.pending p JOIN @.certificates c ON c.ordinal = p.ordinal
        WHERE p.supersedes = v_supersedes AND c.state = 'reserved'
          AND (c.reason IS NULL OR c.reason = 'certificateHold');
      IF v_old.is_taken THEN RETURN '"expectationFailed"'; END IF;
      v_lapsed := v_old.open;
    END IF;

    IF v_call ? 'tokenHash' THEN
      SELECT t.device_id, t.expires_at, t.epoch, t.spent_by, c.state, c.reason, p.lease_until INTO v_token
        FROM @.tokens t LEFT JOIN @.certificates c ON c.ordinal = t.spent_by LEFT JOIN @.pending p ON p.ordinal = c.ordinal
        WHERE t.hash = decode(v_call->>'tokenHash', 'hex');
      IF NOT FOUND OR v_token.device_id IS DISTINCT FROM v_device_id OR v_token.expires_at <= v_created_at THEN
        RETURN '"tokenSpent"';
      END IF;
      v_is_open := coalesce(v_token.state = 'reserved' AND (v_token.reason IS NULL OR v_token.reason = 'certificateHold'), false);
      -- What was pruned had become a certificate, as far as anybody knows.
      IF v_token.spent_by IS NOT NULL AND NOT (CASE WHEN v_is_open THEN v_token.lease_until < v_created_at
        ELSE coalesce(v_token.state IN ('reserved', 'abandoned'), false) END) THEN
        RETURN '"tokenSpent"';
      END IF;
      -- A token does not outlive the revocation of its device.
      IF v_token.epoch <> coalesce(v_epoch, 0) THEN RETURN '"deviceClosed"'; END IF;
      IF v_is_open AND v_token.spent_by <> ALL (v_lapsed) THEN v_lapsed := v_lapsed || v_token.spent_by; END IF;
    END IF;

    PERFORM @.abandon_rows(v_lapsed, v_created_at);
    IF v_device IS NULL AND v_device_id IS NOT NULL THEN
      INSERT INTO @.devices (device_id) VALUES (v_device_id) RETURNING device INTO v_device;
    END IF;
    v_ordinal := @.insert_certificate(v_call, 'reserved', v_device, coalesce(v_epoch, 0));
    INSERT INTO @.pending (ordinal, tbs_certificate, instance, lease_until, supersedes, supersede_at)
      VALUES (v_ordinal, v_tbs, v_instance, (v_call->>'leaseUntil')::bigint, v_supersedes, (v_call->>'supersedeAt')::bigint);
    IF v_call ? 'tokenHash' THEN
      UPDATE @.tokens t SET spent_by = v_ordinal WHERE t.hash = decode(v_call->>'tokenHash', 'hex');
    END IF;
    PERFORM @.append(v_call->'events');
    RETURN '"reserved"';
  END $function$;

  CREATE OR REPLACE FUNCTION @.commit(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_der bytea := decode(v_call->>'der', 'hex');
    v_row record;
  BEGIN
    SELECT c.ordinal, c.state, c.reason, c.device, c.epoch, d.epoch AS device_epoch, c.public_key_hash, c.created_at,
      i.der, p.supersedes, p.supersede_at INTO v_row
      FROM @.certificates c LEFT JOIN @.issued i ON i.ordinal = c.ordinal LEFT JOIN @.pending p ON p.ordinal = c.ordinal
        LEFT JOIN @.devices d ON d.device = c.device
      WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex') AND c.serial_number = decode(v_call->>'serial', 'hex');
    IF NOT FOUND THEN RETURN '"lost"'; END IF;
    IF v_row.der IS NOT NULL THEN
      RETURN pg_catalog.to_jsonb(CASE WHEN v_row.state = 'issued' AND v_row.der = v_der THEN 'committed' ELSE 'lost' END);
    END IF;
    IF v_row.reason IS NOT NULL THEN RETURN '"revoked"'; END IF;
    -- What reserve() checked may have changed while the signature was made.
    IF v_row.state <> 'reserved' OR coalesce(v_row.device_epoch, 0) <> v_row.epoch
      OR EXISTS (SELECT FROM @.blocked_keys b WHERE b.public_key_hash = v_row.public_key_hash)
      OR EXISTS (SELECT FROM @.issued i WHERE i.fingerprint = sha256(v_der)) THEN
      RETURN '"lost"';
    END IF;
    IF v_row.supersedes IS NOT NULL THEN
      -- An end never moves back.
      UPDATE @.certificates c SET superseded_at = least(c.superseded_at, v_row.supersede_at), superseded_by = v_row.ordinal
        WHERE c.ordinal = v_row.supersedes AND c.reason IS NULL
          AND NOT @.is_replaced(c.superseded_at, c.superseded_by, v_row.created_at);
      IF NOT FOUND THEN RETURN '"lost"'; END IF;
    END IF;
    UPDATE @.certificates c SET state = 'issued' WHERE c.ordinal = v_row.ordinal;
    DELETE FROM @.pending p WHERE p.ordinal = v_row.ordinal;
    INSERT INTO @.issued (ordinal, fingerprint, der) VALUES (v_row.ordinal, sha256(v_der), v_der);
    IF v_row.device IS NOT NULL THEN PERFORM @.offer_newest(v_row.ordinal); END IF;
    PERFORM @.append(v_call->'events');
    RETURN '"committed"';
  END $function$;

  CREATE OR REPLACE FUNCTION @.supersede(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_at bigint := (v_call->>'at')::bigint;
    v_ordinal bigint;
    v_device bigint;
    v_moved bigint[];
  BEGIN
    SELECT c.ordinal, c.device INTO v_ordinal, v_device FROM @.certificates c
      WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex') AND c.serial_number = decode(v_call->>'serial', 'hex')
        AND c.state IN ('issued', 'pinned') AND c.reason IS NULL;
    v_moved := ARRAY(SELECT c.ordinal FROM @.certificates c
      WHERE c.device = v_device AND c.ordinal < v_ordinal AND c.superseded_at > v_at ORDER BY c.ordinal);
    UPDATE @.certificates c SET superseded_at = v_at WHERE c.ordinal = ANY (v_moved);
    PERFORM @.append_each(v_moved, v_call->'event', false);
    RETURN @.ids_of(v_moved);
  END $function$;

  CREATE OR REPLACE FUNCTION @.abandon(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_before bigint := (v_call->>'before')::bigint;
    v_rows bigint[];
  BEGIN
    IF v_before IS NOT NULL THEN
      v_rows := ARRAY(SELECT p.ordinal FROM @.pending p
        WHERE p.instance IS NOT NULL AND p.lease_until < v_before ORDER BY p.ordinal);
      PERFORM @.abandon_rows(v_rows, least(v_before, @.now_of(v_call)));
    ELSE
      v_rows := ARRAY(SELECT c.ordinal FROM @.certificates c WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex')
        AND c.serial_number = decode(v_call->>'serial', 'hex') AND c.state = 'reserved');
      PERFORM @.abandon_rows(v_rows, (v_call->>'at')::bigint);
    END IF;
    RETURN pg_catalog.to_jsonb(cardinality(v_rows));
  END $function$;

  CREATE OR REPLACE FUNCTION @.extend_holder(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    UPDATE @.pending p SET lease_until = (v_call->>'leaseUntil')::bigint WHERE p.instance = v_call->>'instance';
    RETURN 'null';
  END $function$;

  CREATE OR REPLACE FUNCTION @.register(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_device_id text := v_call->>'deviceId';
    v_fingerprint bytea := decode(v_call->>'fingerprint', 'hex');
    v_known record;
    v_device bigint;
    v_epoch bigint;
    v_ordinal bigint;
  BEGIN
    SELECT r.state, r.device_id, r.fingerprint INTO v_known FROM @.records r WHERE r.fingerprint = v_fingerprint;
    IF NOT FOUND THEN
      SELECT r.state, r.device_id, r.fingerprint INTO v_known FROM @.records r
        WHERE r.issuer_key_id = decode(v_call->>'issuer', 'hex') AND r.serial_number = decode(v_call->>'serial', 'hex');
    END IF;
    IF FOUND THEN
      RETURN pg_catalog.to_jsonb(CASE WHEN v_known.state = 'pinned' AND v_known.fingerprint = v_fingerprint
        AND v_known.device_id IS NOT DISTINCT FROM v_device_id THEN 'registered' ELSE 'taken' END);
    END IF;
    IF EXISTS (SELECT FROM @.blocked_keys b WHERE b.public_key_hash = decode(v_call->>'publicKeyHash', 'hex')) THEN
      RETURN '"keyBlocked"';
    END IF;
    IF v_device_id IS NOT NULL THEN
      SELECT d.device, d.epoch INTO v_device, v_epoch FROM @.devices d WHERE d.device_id = v_device_id;
      IF NOT FOUND THEN
        INSERT INTO @.devices (device_id) VALUES (v_device_id) RETURNING device INTO v_device;
      END IF;
    END IF;
    v_ordinal := @.insert_certificate(v_call, 'pinned', v_device, coalesce(v_epoch, 0));
    INSERT INTO @.issued (ordinal, fingerprint, der) VALUES (v_ordinal, v_fingerprint, decode(v_call->>'der', 'hex'));
    PERFORM @.offer_newest(v_ordinal);
    PERFORM @.append(v_call->'events');
    RETURN '"registered"';
  END $function$;
`
