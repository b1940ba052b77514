/** What revokes and releases, and what CRLs are made of. */
export const revocationFunctions: string = `
  -- An entry of revokedCertificates (RFC 5280 section 5.1.2.6), DER: from the inside out, and every length is below 128.
  CREATE OR REPLACE FUNCTION @.crl_entry(v_serial bytea, v_date bigint, v_reason text, v_invalidity_date bigint)
  RETURNS bytea IMMUTABLE LANGUAGE plpgsql AS $function$
  DECLARE
    v_digits text := ltrim(encode(v_serial, 'hex'), '0');
    v_time text := to_char(to_timestamp(floor(v_date / 1000.0)) AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS"Z"');
    v_extensions text := '';
    v_content text;
  BEGIN
    v_digits := CASE WHEN length(v_digits) % 2 = 1 THEN '0' || v_digits WHEN v_digits = '' THEN '00' ELSE v_digits END;
    IF v_digits >= '8' THEN v_digits := '00' || v_digits; END IF;
    IF v_reason <> 'unspecified' THEN
      v_extensions := '300a0603551d1504030a01' || CASE v_reason
        WHEN 'keyCompromise' THEN '01' WHEN 'cACompromise' THEN '02' WHEN 'affiliationChanged' THEN '03'
        WHEN 'superseded' THEN '04' WHEN 'cessationOfOperation' THEN '05' WHEN 'certificateHold' THEN '06'
        WHEN 'removeFromCRL' THEN '08' WHEN 'privilegeWithdrawn' THEN '09' WHEN 'aACompromise' THEN '0a' END;
    END IF;
    IF v_invalidity_date IS NOT NULL THEN
      v_extensions := v_extensions || '30180603551d180411180f' || encode(convert_to(to_char(
        to_timestamp(floor(v_invalidity_date / 1000.0)) AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS"Z"'), 'UTF8'), 'hex');
    END IF;
    v_content := '02' || lpad(to_hex(length(v_digits) / 2), 2, '0') || v_digits || CASE WHEN v_time < '2050'
        THEN '170d' || encode(convert_to(substr(v_time, 3), 'UTF8'), 'hex')
        ELSE '180f' || encode(convert_to(v_time, 'UTF8'), 'hex') END
      || CASE v_extensions WHEN '' THEN '' ELSE '30' || lpad(to_hex(length(v_extensions) / 2), 2, '0') || v_extensions END;
    RETURN decode('30' || lpad(to_hex(length(v_content) / 2), 2, '0') || v_content, 'hex');
  END $function$;

  -- Revokes what is not revoked yet, in the order given: first wins, but a hold gives way to a final revocation, and any reason to keyCompromise, whose date stays the first one's. Those that it revoked.
  CREATE OR REPLACE FUNCTION @.revoke_rows(v_ordinals bigint[], v_revocation jsonb)
  RETURNS bigint[] LANGUAGE plpgsql AS $function$
  DECLARE
    v_date bigint := (v_revocation->>'date')::bigint;
    v_reason text := v_revocation->>'reason';
    v_invalidity_date bigint := (v_revocation->>'invalidityDate')::bigint;
    v_revoked bigint[];
  BEGIN
    WITH changing AS MATERIALIZED (
      SELECT c.ordinal, o.place AS nth, c.issuer_key_id, c.serial_number, c.shard, c.not_after, c.public_key_hash,
        c.revocation_order,
        CASE WHEN coalesce(c.reason, 'certificateHold') = 'certificateHold' THEN v_date ELSE c.revocation_date END AS date
      FROM unnest(v_ordinals) WITH ORDINALITY o (ordinal, place) JOIN @.certificates c ON c.ordinal = o.ordinal
      WHERE c.reason IS NULL OR (c.reason = 'certificateHold' AND v_reason <> 'certificateHold')
        OR (v_reason = 'keyCompromise' AND c.reason <> 'keyCompromise')
    ), counted AS (
      SELECT c.issuer_key_id, c.shard, count(*) AS changes, count(*) FILTER (WHERE c.revocation_order IS NULL) AS places
      FROM changing c GROUP BY c.issuer_key_id, c.shard
    ), scoped AS (
      INSERT INTO @.crl_scopes AS s (issuer_key_id, shard, last_change, last_place)
      SELECT c.issuer_key_id, c.shard, c.changes, c.places FROM counted c
      ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_change = s.last_change + excluded.last_change,
        last_place = s.last_place + excluded.last_place
      RETURNING s.scope, s.issuer_key_id, s.shard, s.last_change, s.last_place
    ), placed AS MATERIALIZED (
      SELECT c.*, s.scope, s.last_change - t.changes + row_number() OVER (PARTITION BY s.scope ORDER BY c.nth) AS change,
        coalesce(c.revocation_order, s.last_place - t.places
          + count(*) FILTER (WHERE c.revocation_order IS NULL) OVER (PARTITION BY s.scope ORDER BY c.nth)) AS place
      FROM changing c JOIN counted t USING (issuer_key_id, shard) JOIN scoped s USING (issuer_key_id, shard)
    ), updated AS (
      UPDATE @.certificates c SET revocation_date = p.date, reason = v_reason, invalidity_date = v_invalidity_date,
        revocation_order = p.place FROM placed p WHERE c.ordinal = p.ordinal
    ), entered AS (
      INSERT INTO @.crl_entries (scope, place, ordinal, change, ended, entry)
      SELECT p.scope, p.place, p.ordinal, p.change, greatest(p.not_after, p.date),
        @.crl_entry(p.serial_number, p.date, v_reason, v_invalidity_date) FROM placed p
      ON CONFLICT (scope, place) DO UPDATE SET change = excluded.change, ended = excluded.ended, held_at = NULL,
        entry = excluded.entry
    ), blocked AS (
      INSERT INTO @.blocked_keys (public_key_hash)
      SELECT DISTINCT c.public_key_hash FROM changing c WHERE v_reason = 'keyCompromise' ON CONFLICT DO NOTHING
    )
    SELECT coalesce(array_agg(p.ordinal ORDER BY p.nth), '{}') INTO v_revoked FROM placed p;
    RETURN v_revoked;
  END $function$;

  CREATE OR REPLACE FUNCTION @.revoke(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_ordinal bigint;
    v_created boolean;
  BEGIN
    SELECT c.ordinal INTO v_ordinal FROM @.certificates c
      WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex') AND c.serial_number = decode(v_call->>'serial', 'hex');
    IF NOT FOUND THEN RETURN 'null'; END IF;
    v_created := cardinality(@.revoke_rows(ARRAY[v_ordinal], v_call->'revocation')) > 0;
    IF v_created THEN PERFORM @.append(v_call->'events'); END IF;
    RETURN (SELECT pg_catalog.jsonb_build_object('created', v_created, 'date', c.revocation_date, 'reason', c.reason,
      'invalidityDate', c.invalidity_date) FROM @.certificates c WHERE c.ordinal = v_ordinal);
  END $function$;

  CREATE OR REPLACE FUNCTION @.revoke_device(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_device bigint;
    v_revoked bigint[];
  BEGIN
    UPDATE @.devices d SET epoch = d.epoch + 1 WHERE d.device_id = v_call->>'deviceId' RETURNING d.device INTO v_device;
    IF NOT FOUND THEN
      INSERT INTO @.devices (device_id, epoch) VALUES (v_call->>'deviceId', 1) RETURNING device INTO v_device;
    END IF;
    v_revoked := @.revoke_rows(
      ARRAY(SELECT c.ordinal FROM @.certificates c WHERE c.device = v_device ORDER BY c.ordinal), v_call->'revocation');
    PERFORM @.append_each(v_revoked, v_call->'event', false);
    RETURN @.ids_of(v_revoked);
  END $function$;

  CREATE OR REPLACE FUNCTION @.revoke_all(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_list text := v_call->>'list';
    v_after bigint := (v_call->>'after')::bigint;
    v_limit bigint := (v_call->>'limit')::bigint;
    v_from bigint := (v_call->>'from')::bigint;
    v_before bigint := (v_call->>'before')::bigint;
    v_rows bigint[];
    v_revoked bigint[];
    v_next jsonb := 'null';
  BEGIN
    -- An identity keeps what it gave out last, whatever was pruned.
    IF v_after > (SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END FROM @.certificates_ordinal_seq s) THEN
      RETURN '{"error": "cursor"}';
    END IF;
    -- One more than asked for tells whether there is a next page.
    CASE v_list
      WHEN 'key' THEN v_rows := ARRAY(SELECT c.ordinal FROM @.certificates c
        WHERE c.public_key_hash = decode(v_call->>'publicKeyHash', 'hex') AND c.ordinal > v_after
        ORDER BY c.ordinal LIMIT v_limit + 1);
      WHEN 'owner' THEN v_rows := ARRAY(SELECT c.ordinal FROM @.certificates c
        WHERE c.owner = v_call->>'owner' AND c.ordinal > v_after ORDER BY c.ordinal LIMIT v_limit + 1);
      WHEN 'attribute' THEN v_rows := ARRAY(SELECT a.ordinal FROM @.certificate_attributes a
        WHERE a.pair = decode(v_call->>'pair', 'hex') AND a.ordinal > v_after ORDER BY a.ordinal LIMIT v_limit + 1);
      WHEN 'created' THEN v_rows := ARRAY(SELECT c.ordinal FROM @.certificates c
        WHERE c.role IN ('device', 'service', 'server', 'custom')
          AND (c.created_at, c.ordinal) > (v_from, v_after) AND c.created_at < v_before
        ORDER BY c.created_at, c.ordinal LIMIT v_limit + 1);
    END CASE;
    IF cardinality(v_rows) > v_limit THEN
      v_rows := v_rows[:v_limit];
      v_next := (SELECT pg_catalog.jsonb_build_array(c.ordinal, c.created_at) FROM @.certificates c WHERE c.ordinal = v_rows[v_limit]);
    END IF;
    v_revoked := @.revoke_rows(ARRAY(SELECT o.ordinal FROM unnest(v_rows) WITH ORDINALITY o (ordinal, place)
      JOIN @.certificates c ON c.ordinal = o.ordinal WHERE c.role NOT IN ('root', 'issuingCa') ORDER BY o.place),
      v_call->'revocation');
    IF v_list IN ('owner', 'attribute') THEN
      UPDATE @.devices d SET epoch = d.epoch + 1 WHERE d.device IN (
        SELECT c.device FROM @.certificates c WHERE c.ordinal = ANY (v_revoked) AND c.device IS NOT NULL);
    END IF;
    PERFORM @.append_each(v_revoked, v_call->'event', true);
    RETURN pg_catalog.jsonb_build_object('next', v_next, 'items', (
      SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(encode(c.issuer_key_id, 'hex'), encode(c.serial_number, 'hex'), c.device_id)
        ORDER BY o.place), '[]')
      FROM unnest(v_revoked) WITH ORDINALITY o (ordinal, place) JOIN @.certificates c ON c.ordinal = o.ordinal));
  END $function$;

  CREATE OR REPLACE FUNCTION @.block_key(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    INSERT INTO @.blocked_keys (public_key_hash) VALUES (decode(v_call->>'publicKeyHash', 'hex')) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 'false'; END IF;
    PERFORM @.append(v_call->'events');
    RETURN 'true';
  END $function$;

  CREATE OR REPLACE FUNCTION @.release(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_row record;
    v_scope bigint;
    v_change bigint;
  BEGIN
    SELECT c.* INTO v_row FROM @.certificates c
      WHERE c.issuer_key_id = decode(v_call->>'issuer', 'hex') AND c.serial_number = decode(v_call->>'serial', 'hex')
        AND c.reason = 'certificateHold';
    IF NOT FOUND THEN RETURN 'false'; END IF;
    UPDATE @.certificates c SET revocation_date = NULL, reason = NULL, invalidity_date = NULL
      WHERE c.ordinal = v_row.ordinal;
    UPDATE @.crl_scopes s SET last_change = s.last_change + 1
      WHERE s.issuer_key_id = v_row.issuer_key_id AND s.shard = v_row.shard
      RETURNING s.scope, s.last_change INTO v_scope, v_change;
    -- For delta CRLs: what was on hold, since when, is not any more.
    UPDATE @.crl_entries e SET change = v_change, ended = greatest(v_row.not_after, v_row.revocation_date),
        held_at = v_row.revocation_date, entry = @.crl_entry(v_row.serial_number, v_row.revocation_date, 'removeFromCRL', NULL)
      WHERE e.scope = v_scope AND e.place = v_row.revocation_order;
    PERFORM @.append(v_call->'events');
    RETURN 'true';
  END $function$;

  -- One page of a CRL's entries. v_bound, v_last and v_change are NULL on page 1. Throws FC001 for a position beyond the scope's.
  CREATE OR REPLACE FUNCTION @.crl_entries_page(v_issuer bytea, v_shard bigint, v_ended_before bigint,
    v_unchanged_since bigint, v_changed_since bigint, v_bound bigint, v_last bigint, v_change bigint, v_limit bigint)
  RETURNS TABLE (entries bytea, changes bytea, bound bigint, last bigint, change bigint)
  STABLE LANGUAGE plpgsql AS $function$
  DECLARE
    v_scope record;
  BEGIN
    PERFORM @.assert_primary();
    SELECT s.scope, s.last_change, s.last_place INTO v_scope FROM @.crl_scopes s
      WHERE s.issuer_key_id = v_issuer AND s.shard = v_shard;
    IF greatest(v_unchanged_since, v_changed_since) > coalesce(v_scope.last_change, 0) THEN RAISE SQLSTATE 'FC001'; END IF;
    bound := coalesce(v_bound, v_scope.last_place, 0);
    change := coalesce(v_change, v_scope.last_change, 0);
    last := least(coalesce(v_last, 0) + v_limit, bound);
    -- The rows come in the order of the index, and so their entries.
    SELECT string_agg(e.entry, ''::bytea) FILTER (WHERE e.held_at IS NULL),
        string_agg(e.entry, ''::bytea) FILTER (WHERE e.change > v_changed_since)
      INTO entries, changes FROM (
        SELECT c.* FROM @.crl_entries c
        WHERE c.scope = v_scope.scope AND c.place > coalesce(v_last, 0) AND c.place <= last
          AND (v_ended_before IS NULL OR c.ended >= v_ended_before OR c.change > v_unchanged_since)
        ORDER BY c.place) e;
    RETURN NEXT;
  END $function$;
`
