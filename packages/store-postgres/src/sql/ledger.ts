/** What appends to the ledger, in the transaction of the change that the events tell of. Writers are one at a time, so sequence numbers rise in the order of commits, without gaps. */
export const ledgerFunctions: string = `
  CREATE OR REPLACE FUNCTION @.append(v_events jsonb) RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_sequence bigint;
    v_newest_at bigint;
  BEGIN
    IF jsonb_array_length(v_events) = 0 THEN RETURN; END IF;
    SELECT l.sequence, l.newest_at INTO v_sequence, v_newest_at FROM @.ledger l ORDER BY l.sequence DESC LIMIT 1;
    INSERT INTO @.ledger (sequence, type, at, newest_at, device_id, issuer_key_id, serial_number, fingerprint, details)
    SELECT coalesce(v_sequence, 0) + e.place, e.event->>'type', (e.event->>'at')::bigint,
      greatest(v_newest_at, max((e.event->>'at')::bigint) OVER (ORDER BY e.place)), e.event->>'deviceId',
      decode(e.event->>'issuer', 'hex'), decode(e.event->>'serial', 'hex'), e.event->>'fingerprint', e.event->>'details'
    FROM jsonb_array_elements(v_events) WITH ORDINALITY e (event, place);
  END $function$;

  -- One event for each of those certificates, in their order, all like the one given. Where v_of_row, the device is the row's.
  CREATE OR REPLACE FUNCTION @.append_each(v_ordinals bigint[], v_event jsonb, v_of_row boolean)
  RETURNS void LANGUAGE plpgsql AS $function$
  DECLARE
    v_sequence bigint;
    v_newest_at bigint;
    v_at bigint := (v_event->>'at')::bigint;
  BEGIN
    IF cardinality(v_ordinals) = 0 THEN RETURN; END IF;
    SELECT l.sequence, l.newest_at INTO v_sequence, v_newest_at FROM @.ledger l ORDER BY l.sequence DESC LIMIT 1;
    INSERT INTO @.ledger (sequence, type, at, newest_at, device_id, issuer_key_id, serial_number, fingerprint, details)
    SELECT coalesce(v_sequence, 0) + o.place, v_event->>'type', v_at, greatest(v_newest_at, v_at),
      CASE WHEN v_of_row THEN coalesce(c.device_id, v_event->>'deviceId') ELSE v_event->>'deviceId' END,
      c.issuer_key_id, c.serial_number,
      regexp_replace(upper(encode(i.fingerprint, 'hex')), '(..)(?!$)', '\\1:', 'g'), v_event->>'details'
    FROM unnest(v_ordinals) WITH ORDINALITY o (ordinal, place)
      JOIN @.certificates c ON c.ordinal = o.ordinal LEFT JOIN @.issued i ON i.ordinal = o.ordinal;
  END $function$;

  -- Whether a cursor was given out, and no entries behind it were pruned: behind the entry before the first that is kept, nothing is missing.
  CREATE OR REPLACE FUNCTION @.check_cursor(v_after bigint) RETURNS boolean LANGUAGE plpgsql AS $function$
  BEGIN
    IF EXISTS (SELECT FROM @.ledger l WHERE l.sequence = v_after) THEN RETURN true; END IF;
    RETURN v_after BETWEEN coalesce((SELECT min(l.sequence) FROM @.ledger l), 1) - 1
      AND coalesce((SELECT max(l.sequence) FROM @.ledger l), 0);
  END $function$;

  -- Entries behind a sequence number, or from the beginning. Throws FC001 for a cursor that is none any more.
  CREATE OR REPLACE FUNCTION @.ledger_page(v_after bigint, v_limit bigint) RETURNS SETOF @.ledger
  STABLE LANGUAGE plpgsql AS $function$
  BEGIN
    PERFORM @.assert_primary();
    IF v_after IS NOT NULL AND NOT @.check_cursor(v_after) THEN RAISE SQLSTATE 'FC001'; END IF;
    RETURN QUERY SELECT * FROM @.ledger l WHERE l.sequence > coalesce(v_after, 0) ORDER BY l.sequence LIMIT v_limit;
  END $function$;

  CREATE OR REPLACE FUNCTION @.save_cursor(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  BEGIN
    IF NOT @.is_current_lease(v_call) THEN RETURN 'false'; END IF;
    IF v_call->>'position' IS NOT NULL AND NOT @.check_cursor((v_call->>'position')::bigint) THEN
      RETURN '{"error": "cursor"}';
    END IF;
    INSERT INTO @.consumers (name, cursor) VALUES (v_call->>'consumer', v_call->>'cursor')
      ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor;
    RETURN 'true';
  END $function$;

  -- Drops entries from the front, up to the first that is not older. The newest one stays: the clock is checked against it, and no number is used twice.
  CREATE OR REPLACE FUNCTION @.prune_ledger(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_before bigint := (v_call->>'before')::bigint;
    v_end bigint;
    v_count bigint;
  BEGIN
    SELECT coalesce(min(f.sequence) FILTER (WHERE f.at >= v_before), max(f.sequence)) INTO v_end
      FROM (SELECT l.sequence, l.at FROM @.ledger l ORDER BY l.sequence LIMIT (v_call->>'limit')::bigint + 1) f;
    DELETE FROM @.ledger l WHERE l.sequence < v_end;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN pg_catalog.to_jsonb(v_count);
  END $function$;
`
