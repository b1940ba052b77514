/**
 * Why somebody was not let in, as a sentence for logs; never part of what the device hears. A reason is stable: it may be added, never renamed.
 */
export const denyReasonSentences = {
  noCertificate: 'The client showed no certificate.',
  certificateUnparsable: 'What should be a certificate is not one.',
  certificateUnknown: 'No device of this fleet has this certificate.',
  revoked: 'The certificate is revoked.',
  held: 'The certificate is on hold.',
  superseded: 'The certificate was replaced by a renewed one and its overlap is over.',
  expired: 'The certificate has expired.',
  notYetValid: 'The certificate is not valid yet.',
  clientIdEmpty:
    'The client id is empty: give it one that begins with the device id, such as `-i <device id>/tool` for mosquitto_pub.',
  clientIdNotBound: 'The client id does not belong to the device of the certificate.',
  usernameNotBound:
    'The user name is not that of the device of the certificate, or one that the broker treats specially.',
  fingerprintMismatch: 'The fingerprint is not that of the certificate beside it.',
  nameAlone: 'Nothing but a name is known of the certificate, and here a name proves nothing.',
  nameAmbiguous: 'The common name is not one name: it is missing, there are several, or the subject has another.',
  proxiedName:
    'Common name and subject are the same text: they come from a PROXY protocol header, and the broker has seen no certificate.',
  commonNameMismatch: 'The common name that the broker reports is not that of the certificate.',
  deviceUnknown: 'There is no such device in this fleet.',
  certificateUntrusted: 'The certificate is not known, and no CA whose certificates may be registered issued it.',
  registrationRefused: 'The certificate is of a trusted CA and was not accepted for registration.',
  registrationBusy: 'Too many certificates are being registered: try again.',
  deviceExists: 'The certificate would be registered for a device that is there already.',
  topicNotAllowed: 'The topic is outside what the device may use.',
  topicInvalid: 'The topic is not one that MQTT allows here.',
  storeUnavailable: 'The fleet could not be asked: its store is down or failed.',
  overloaded: 'Too many decisions were under way: the device may try again in a moment.',
  clockOff: 'The clock of this process is behind, so validity cannot be judged.',
  malformedRequest: 'The request of the broker is malformed.',
  unknownRoute: 'The request of the broker went to an address that answers nothing.',
  dialectMismatch: 'The request was made for another version of EMQX than this address answers.',
  callerRefused: 'The caller did not prove to be the broker.',
  deadlineExceeded: 'The decision took too long.',
  silenced: 'The session was closed because the device was revoked.',
} as const

/** Why somebody was not let in: a key of {@link denyReasonSentences}. */
export type DenyReason = keyof typeof denyReasonSentences

/**
 * A refusal as the faces (EMQX, aedes) report it to `onDeny`, for logs and counters.
 * `clientId` and `topic` are what a stranger sent: any text, any length up to 64 KiB.
 */
export interface Denial {
  readonly reason: DenyReason
  readonly action: 'connect' | 'publish' | 'subscribe' | 'session' | 'request'
  readonly clientId?: string
  readonly deviceId?: string
  readonly topic?: string
  readonly peerAddress?: string
}

/** Tells a listener of a refusal. A broken logger must not let anybody in, nor keep anybody out: what it throws is its own. */
export function report(onDeny: ((denial: Denial) => void) | undefined, denial: Denial): void {
  try {
    const result: unknown = onDeny?.(denial)
    if (result instanceof Promise) result.catch(() => {})
  } catch {}
}
