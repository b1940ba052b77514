import type { PkiError } from '@fleetcert/x509'
import type { IConnackPacket, IDisconnectPacket } from 'mqtt'
import {
  brokerRefused,
  type ConnectionErrorContext,
  type ConnectionStage,
  classifyConnectionError,
  classifySilentClose,
} from './classify-connection-error.ts'

/** One attempt to connect, and the session that may come of it: what was seen until the socket closed. */
export interface ConnectionAttempt {
  stage: ConnectionStage
  /** Of `performance.now()`, when CONNACK came. */
  connectedAt?: number
  connack?: IConnackPacket
  disconnect?: IDisconnectPacket
  /** Whether the server had shown a certificate before it ended the connection. */
  answered: boolean
  /** We sent DISCONNECT, to connect again at once. */
  isLeaving: boolean
  /** In order; the socket and MQTT.js may report the same one. */
  readonly errors: Set<unknown>
}

/** Begins an attempt. */
export function createAttempt(): ConnectionAttempt {
  return { stage: 'connecting', answered: false, isLeaving: false, errors: new Set() }
}

/** CONNACK's code: `returnCode` in MQTT 3.1.1, `reasonCode` in MQTT 5. */
export function connackCode(packet: IConnackPacket): number {
  return packet.reasonCode ?? packet.returnCode ?? 0
}

/**
 * Why an attempt is over, once its socket has closed; `undefined` for a session that just ended.
 *
 * Under TLS 1.3 the server checks the client's certificate after the client has finished the handshake: the alert comes when CONNECT was sent already, and a reset may stand beside it. So all errors of an attempt
 * are heard before one is named, and the one that says most wins.
 */
export function attemptVerdict(attempt: ConnectionAttempt, context: ConnectionErrorContext): PkiError | undefined {
  const { answered, connack, disconnect, stage } = attempt
  if (connack !== undefined && connackCode(connack) !== 0) {
    return brokerRefused(connackCode(connack), connack.properties)
  }
  // MQTT 5 section 3.14.2.1: codes from 0x80 on are errors. 3.1.1 brokers send no DISCONNECT.
  if (disconnect !== undefined && (disconnect.reasonCode ?? 0) >= 0x80) {
    return brokerRefused(disconnect.reasonCode!, disconnect.properties)
  }
  const known = { ...context, stage, answered }
  const verdicts = [...attempt.errors].map(error => classifyConnectionError(error, known))
  return verdicts.find(saysWho) ?? verdicts[0] ?? classifySilentClose(known)
}

function saysWho({ code, details }: PkiError): boolean {
  if (code === 'ERR_PKI_TLS') return 'alert' in details
  return code.startsWith('ERR_PKI_SERVER_') || code.startsWith('ERR_PKI_CLIENT_')
}
