/** What is used of aedes (1.x), so that it is no dependency: an `Aedes` instance fits. */
export interface AedesBroker {
  readonly id: string
  readonly clients?: Readonly<Record<string, AedesClient>>
  /** Asked as soon as a CONNECT has come. */
  preConnect(
    client: AedesClient,
    packet: AedesConnectPacket,
    callback: (error: Error | null, success: boolean) => void,
  ): void
  /** Who connects. */
  authenticate(
    client: AedesClient,
    username: string | undefined,
    password: Uint8Array | undefined,
    done: (error: AedesAuthenticateError | null, success: boolean | null) => void,
  ): void
  /** Asked for a PUBLISH and for a will. */
  authorizePublish(
    client: AedesClient | null,
    packet: AedesPublishPacket,
    callback: (error?: Error | null) => void,
  ): void
  /** Asked for each filter. */
  authorizeSubscribe(
    client: AedesClient,
    subscription: AedesSubscription,
    callback: (error: Error | null, subscription?: AedesSubscription | null) => void,
  ): void
  /** The packet to send, or nothing. */
  authorizeForward(client: AedesClient, packet: AedesPublishPacket): unknown
  /** Not in aedes' types. */
  unregisterClient?(client: AedesClient): void
  /** `client`: one was registered. */
  on(event: 'client', listener: (client: AedesClient) => void): unknown
}

/** A connection of aedes. */
export interface AedesClient {
  readonly id: string
  readonly closed: boolean
  readonly conn: AedesConnection
  /** The upgrade request of a WebSocket. */
  readonly req?: { readonly socket?: unknown } | undefined
  /** Ends the session on the broker. */
  close(callback?: () => void): void
}

/** The stream of a connection: for us a `TLSSocket`. */
export interface AedesConnection {
  readonly destroyed: boolean
  readonly closed?: boolean
  /** Closes the socket. */
  destroy(): unknown
  /** `close`: the socket is closed. */
  once(event: 'close', listener: () => void): unknown
}

/** A CONNECT as it came. */
export interface AedesConnectPacket {
  readonly clientId: string
}

/** CONNACK's return code goes with the error. */
export interface AedesAuthenticateError extends Error {
  returnCode: number
}

/** A filter of a SUBSCRIBE. */
export interface AedesSubscription {
  readonly topic: string
  readonly qos: number
}

/** A message. */
export interface AedesPublishPacket {
  topic: string
  payload: string | Uint8Array
  qos: number
  retain: boolean
  /** Of a will that aedes found in its persistence. */
  clientId?: string
  brokerId?: string
}
