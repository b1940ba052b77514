/** What is used of aedes (1.x), so that it is no dependency: an `Aedes` instance fits. */
export interface AedesBroker {
  readonly id: string
  readonly clients?: Readonly<Record<string, AedesClient>>
  preConnect(
    client: AedesClient,
    packet: AedesConnectPacket,
    callback: (error: Error | null, success: boolean) => void,
  ): void
  authenticate(
    client: AedesClient,
    username: string | undefined,
    password: Uint8Array | undefined,
    done: (error: AedesAuthenticateError | null, success: boolean | null) => void,
  ): void
  authorizePublish(
    client: AedesClient | null,
    packet: AedesPublishPacket,
    callback: (error?: Error | null) => void,
  ): void
  authorizeSubscribe(
    client: AedesClient,
    subscription: AedesSubscription,
    callback: (error: Error | null, subscription?: AedesSubscription | null) => void,
  ): void
  /** The packet to send, or nothing. */
  authorizeForward(client: AedesClient, packet: AedesPublishPacket): unknown
  /** Not in aedes' types. */
  unregisterClient?(client: AedesClient): void
  on(event: 'client', listener: (client: AedesClient) => void): unknown
}

/** A connection of aedes. */
export interface AedesClient {
  readonly id: string
  readonly closed: boolean
  readonly conn: AedesConnection
  /** The upgrade request of a WebSocket. */
  readonly req?: { readonly socket?: unknown } | undefined
  close(callback?: () => void): void
}

/** The stream of a connection: for us a `TLSSocket`. */
export interface AedesConnection {
  readonly destroyed: boolean
  readonly closed?: boolean
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

export interface AedesConnectPacket {
  readonly clientId: string
}

/** CONNACK's return code goes with the error. */
export interface AedesAuthenticateError extends Error {
  returnCode: number
}

export interface AedesSubscription {
  readonly topic: string
  readonly qos: number
}

export interface AedesPublishPacket {
  topic: string
  payload: string | Uint8Array
  qos: number
  retain: boolean
  /** Of a will that aedes found in its persistence. */
  clientId?: string
  brokerId?: string
}
