/** The one way in for whatever changes something. */
export const writeFunctions: string = `
  -- What would write is refused while the fleet is not at work here, but what it is moved with.
  CREATE OR REPLACE FUNCTION @.change(v_call jsonb) RETURNS jsonb LANGUAGE plpgsql AS $function$
  DECLARE
    v_do text := v_call->>'do';
    v_state text;
  BEGIN
    IF v_do NOT IN ('changeState', 'importRecords') THEN
      SELECT f.state INTO v_state FROM @.fleet f;
      IF v_state = 'sealed' THEN RETURN '{"error": "moved"}'; END IF;
      IF v_state = 'receiving' THEN RETURN '{"error": "incomplete"}'; END IF;
    END IF;
    CASE v_do
      WHEN 'reserve' THEN RETURN @.reserve(v_call);
      WHEN 'commit' THEN RETURN @.commit(v_call);
      WHEN 'supersede' THEN RETURN @.supersede(v_call);
      WHEN 'abandon' THEN RETURN @.abandon(v_call);
      WHEN 'extendHolder' THEN RETURN @.extend_holder(v_call);
      WHEN 'register' THEN RETURN @.register(v_call);
      WHEN 'revoke' THEN RETURN @.revoke(v_call);
      WHEN 'revokeDevice' THEN RETURN @.revoke_device(v_call);
      WHEN 'revokeAll' THEN RETURN @.revoke_all(v_call);
      WHEN 'blockKey' THEN RETURN @.block_key(v_call);
      WHEN 'release' THEN RETURN @.release(v_call);
      WHEN 'nextCrlNumber' THEN RETURN @.next_crl_number(v_call);
      WHEN 'putCrl' THEN RETURN @.put_crl(v_call);
      WHEN 'putDocument' THEN RETURN @.put_document(v_call);
      WHEN 'addToken' THEN RETURN @.add_token(v_call);
      WHEN 'lease' THEN RETURN @.lease(v_call);
      WHEN 'releaseLease' THEN RETURN @.release_lease(v_call);
      WHEN 'saveCursor' THEN RETURN @.save_cursor(v_call);
      WHEN 'pruneLedger' THEN RETURN @.prune_ledger(v_call);
      WHEN 'pruneCertificates' THEN RETURN @.prune_certificates(v_call);
      WHEN 'pruneTokens' THEN RETURN @.prune_tokens(v_call);
      WHEN 'changeState' THEN RETURN @.change_state(v_call);
      WHEN 'importRecords' THEN RETURN @.import_records(v_call);
    END CASE;
  END $function$;

  -- Makes the changes in their order, in one transaction, and commits it; the answers as an array of JSON.
  -- One writer at a time: what has a lower number in the ledger, and in every listing, was committed before. Whoever is next waits for the commit, not for the client: that is why the commit is here.
  CREATE OR REPLACE PROCEDURE @.write(v_calls text, v_wait_milliseconds bigint, INOUT v_answers text)
  LANGUAGE plpgsql AS $function$
  DECLARE
    v_call jsonb;
    v_results jsonb[] := '{}';
  BEGIN
    -- What is called is the server's own: whoever may make functions in a schema of the role's path could offer ones that fit better, and they would run with its rights.
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- What a snapshot of before the lock shows is too old.
    IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE SQLSTATE 'FC003'; END IF;
    IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
    PERFORM set_config('lock_timeout', v_wait_milliseconds::text, true);
    LOCK TABLE @.writer IN EXCLUSIVE MODE;
    FOR v_call IN SELECT c.call FROM jsonb_array_elements(v_calls::jsonb) c (call) LOOP
      v_results := v_results || @.change(v_call);
    END LOOP;
    v_answers := pg_catalog.to_jsonb(v_results)::text;
    COMMIT;
  END $function$;
`
