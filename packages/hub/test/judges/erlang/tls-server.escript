%% escript tls-server.escript <port> <ca.pem> <server.pem> <server-key.pem>
%% A TLS server that checks the CRL of a client's certificate as EMQX does: with Erlang's ssl, fetched from where the certificate says.
main([Port, CaFile, CertFile, KeyFile]) ->
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Listener} = ssl:listen(list_to_integer(Port), [
        {ip, {127, 0, 0, 1}}, {reuseaddr, true}, {active, false}, {mode, binary},
        {cacertfile, CaFile}, {certfile, CertFile}, {keyfile, KeyFile},
        {verify, verify_peer}, {fail_if_no_peer_cert, true},
        {crl_check, peer}, {crl_cache, {ssl_crl_cache, {internal, [{http, 5000}]}}}
    ]),
    serve(Listener).

serve(Listener) ->
    case ssl:transport_accept(Listener) of
        {ok, Socket} -> answer(ssl:handshake(Socket, 10000));
        _ -> ok
    end,
    serve(Listener).

answer({ok, Socket}) ->
    _ = ssl:recv(Socket, 0, 10000),
    _ = ssl:send(Socket, <<"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n">>),
    ssl:close(Socket);
answer({error, Reason}) ->
    io:format("refused: ~p~n", [Reason]).
