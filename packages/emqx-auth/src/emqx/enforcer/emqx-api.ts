/** What of EMQX's management API ending a session needs, whatever its version. Every method rejects `ERR_PKI_ENFORCER`, or with the signal's reason. */
export interface EmqxApi {
  /** Forgets cached answers of our hook, of CONNECT and of topics, on all nodes. */
  resetCaches(signal: AbortSignal | undefined): Promise<void>
  /** A ban of somebody else's that is there already stays: it may be an operator's, and for longer. */
  ban(clientId: string, until: Date, signal: AbortSignal | undefined): Promise<void>
  /** Takes our own bans of a device back, and nobody else's: of its id, of these client ids, and with `prefix` of every `<device id>/…`. */
  liftBans(
    deviceId: string,
    clientIds: readonly string[],
    prefix: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void>
  /** Client ids of the device's sessions, connected or kept for later: its id, and with `prefix` every `<device id>/…`. */
  sessions(deviceId: string, prefix: boolean, signal: AbortSignal | undefined): Promise<readonly string[]>
  /** Whether there is a session of exactly this client id. */
  hasSession(clientId: string, signal: AbortSignal | undefined): Promise<boolean>
  /** Ends sessions, those kept for later too. Ids without a session are no error. */
  kick(clientIds: readonly string[], signal: AbortSignal | undefined): Promise<void>
}

/** Who we are in a list of bans. */
export const bannedBy = 'fleetcert'
