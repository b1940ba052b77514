import type { FindingLevel, FindingStep } from './finding.ts'

/** The code of a finding: what it is about, then what was found. */
export type FindingCode =
  | 'IDENTITY_OK'
  | 'IDENTITY_UNUSABLE'
  | 'IDENTITY_KEY_MISMATCH'
  | 'IDENTITY_EXPIRED'
  | 'IDENTITY_NOT_YET_VALID'
  | 'IDENTITY_EXPIRES_SOON'
  | 'IDENTITY_PURPOSE'
  | 'IDENTITY_CHAIN_ORDER'
  | 'IDENTITY_CHAIN_INCOMPLETE'
  | 'TRUST_ANCHOR_EXPIRED'
  | 'CLOCK_OK'
  | 'CLOCK_OFF'
  | 'CLOCK_BEHIND'
  | 'CLOCK_UNKNOWN'
  | 'DNS_OK'
  | 'DNS_UNKNOWN_HOST'
  | 'DNS_UNAVAILABLE'
  | 'TCP_OK'
  | 'TCP_REFUSED'
  | 'TCP_NO_ANSWER'
  | 'TCP_NO_ROUTE'
  | 'TLS_OK'
  | 'TLS_NOT_SPOKEN'
  | 'TLS_VERSION'
  | 'TLS_CIPHER'
  | 'TLS_FAILED'
  | 'SERVER_OK'
  | 'SERVER_UNKNOWN_CA'
  | 'SERVER_SELF_SIGNED'
  | 'SERVER_CHAIN_INCOMPLETE'
  | 'SERVER_CA_REPLACED'
  | 'SERVER_EXPIRED'
  | 'SERVER_NOT_YET_VALID'
  | 'SERVER_EXPIRES_SOON'
  | 'SERVER_NAME'
  | 'SERVER_PURPOSE'
  | 'SERVER_REFUSED'
  | 'SERVER_NOT_EXAMINED'
  | 'CLIENT_ACCEPTED'
  | 'CLIENT_NOT_ASKED'
  | 'CLIENT_UNTRUSTED'
  | 'CLIENT_EXPIRED'
  | 'CLIENT_REVOKED'
  | 'CLIENT_REQUIRED'
  | 'CLIENT_MAYBE_REFUSED'
  | 'MQTT_OK'
  | 'MQTT_NOT_ASKED'
  | 'MQTT_REFUSED'
  | 'MQTT_BUSY'
  | 'MQTT_NOT_SPOKEN'
  | 'MQTT_NO_ANSWER'

interface FindingKind {
  readonly step: FindingStep
  readonly level: FindingLevel
  readonly advice?: string
}

const issueAgain = 'Have a certificate issued by the CA of this fleet, and keep it with its own key.'
const askOperator = 'Ask the operator of the broker.'

/** Every code of a finding, and what to do about it. A code is never used again for something else. */
export const findingTable: Readonly<Record<FindingCode, FindingKind>> = {
  IDENTITY_OK: { step: 'identity', level: 'ok' },
  IDENTITY_UNUSABLE: {
    step: 'identity',
    level: 'problem',
    advice: "Look at the device's own files: all there, readable for this user, in PEM, the key not encrypted.",
  },
  IDENTITY_KEY_MISMATCH: {
    step: 'identity',
    level: 'problem',
    advice: `Certificate and key are of two enrolments: put the two that belong together there. ${issueAgain}`,
  },
  IDENTITY_EXPIRED: {
    step: 'identity',
    level: 'problem',
    advice:
      "Renew it, over HTTPS if the hub's grace period allows, or enrol the device again. Before that look at the device's clock.",
  },
  IDENTITY_NOT_YET_VALID: {
    step: 'identity',
    level: 'problem',
    advice: 'It was issued in what this clock calls the future: set the clock.',
  },
  IDENTITY_EXPIRES_SOON: {
    step: 'identity',
    level: 'note',
    advice: 'Less than a tenth of its lifetime is left: find out why it was not renewed.',
  },
  IDENTITY_PURPOSE: {
    step: 'identity',
    level: 'problem',
    advice: `It is not for clients (extended key usage clientAuth): is it a server's or a CA's? ${issueAgain}`,
  },
  IDENTITY_CHAIN_ORDER: {
    step: 'identity',
    level: 'problem',
    advice: "Put the device's certificate first, then the CA that issued it, then the CA that issued that one.",
  },
  IDENTITY_CHAIN_INCOMPLETE: {
    step: 'identity',
    level: 'note',
    advice:
      'A server that knows the root alone cannot check it: add the issuing CA behind the certificate. If it is a root itself, nothing is missing.',
  },
  TRUST_ANCHOR_EXPIRED: {
    step: 'identity',
    level: 'problem',
    advice: 'Nothing that leads to it is accepted any more: give the device the CA that follows it.',
  },

  CLOCK_OK: { step: 'clock', level: 'ok' },
  CLOCK_OFF: {
    step: 'clock',
    level: 'problem',
    advice: 'Set the clock (NTP), and see that it is set before the device connects: certificates are judged by it.',
  },
  CLOCK_BEHIND: {
    step: 'clock',
    level: 'problem',
    advice: 'Set the clock (NTP). A device without a battery for its clock begins in the past after each power cut.',
  },
  CLOCK_UNKNOWN: {
    step: 'clock',
    level: 'note',
    advice: 'If a certificate seems expired or not yet valid, compare the clock with another one first.',
  },

  DNS_OK: { step: 'dns', level: 'ok' },
  DNS_UNKNOWN_HOST: {
    step: 'dns',
    level: 'problem',
    advice: 'Look for a typing error in the host name; ask the DNS server of this network for it.',
  },
  DNS_UNAVAILABLE: {
    step: 'dns',
    level: 'problem',
    advice: 'The name service did not answer: is the device on the network, and is its DNS server right?',
  },

  TCP_OK: { step: 'tcp', level: 'ok' },
  TCP_REFUSED: {
    step: 'tcp',
    level: 'problem',
    advice:
      'The host is there and nothing listens on that port: is the broker running, and is this its TLS port (mostly 8883)?',
  },
  TCP_NO_ANSWER: {
    step: 'tcp',
    level: 'problem',
    advice: 'The host is off, or a firewall between drops what is sent: try from another network.',
  },
  TCP_NO_ROUTE: {
    step: 'tcp',
    level: 'problem',
    advice: "Look at the device's own network: address, gateway, cable, radio.",
  },

  TLS_OK: { step: 'tls', level: 'ok' },
  TLS_NOT_SPOKEN: {
    step: 'tls',
    level: 'problem',
    advice:
      'Something other than TLS listens there; unencrypted MQTT is mostly 1883, TLS 8883. A proxy in between may answer for the broker too.',
  },
  TLS_VERSION: {
    step: 'tls',
    level: 'problem',
    advice: 'Have the server speak TLS 1.2 or 1.3. This device speaks nothing older, and no option changes that.',
  },
  TLS_CIPHER: {
    step: 'tls',
    level: 'problem',
    advice:
      'Have the server offer cipher suites of this century: TLS 1.3, or ECDHE with AES-GCM or ChaCha20 in TLS 1.2.',
  },
  TLS_FAILED: {
    step: 'tls',
    level: 'problem',
    advice: `What the server's log says of this connection tells more. ${askOperator}`,
  },

  SERVER_OK: { step: 'server', level: 'ok' },
  SERVER_UNKNOWN_CA: {
    step: 'server',
    level: 'problem',
    advice:
      "Either this is not the server that is meant, or the device's trust anchors are of another CA, or the server leaves a CA out that leads to them. Compare fingerprints with the operator, then give the device the right CA certificate.",
  },
  SERVER_SELF_SIGNED: {
    step: 'server',
    level: 'problem',
    advice: "Have the server use a certificate that the fleet's CA issued for it.",
  },
  SERVER_CHAIN_INCOMPLETE: {
    step: 'server',
    level: 'problem',
    advice:
      "Have the server send its issuing CA behind its own certificate (the file is the certificate followed by the CA's).",
  },
  SERVER_CA_REPLACED: {
    step: 'server',
    level: 'problem',
    advice:
      'A CA of that name was made anew: the one that the device trusts has another key. Give the device the new one, if the operator made it.',
  },
  SERVER_EXPIRED: {
    step: 'server',
    level: 'problem',
    advice: "If the device's clock is right, the server needs a new certificate.",
  },
  SERVER_NOT_YET_VALID: {
    step: 'server',
    level: 'problem',
    advice: "Set the device's clock. Only if it is right, ask the operator why the certificate begins later.",
  },
  SERVER_EXPIRES_SOON: { step: 'server', level: 'note', advice: 'Have it renewed.' },
  SERVER_NAME: {
    step: 'server',
    level: 'problem',
    advice:
      'Connect by one of the names in the certificate, or say it with the option `serverName`, or have the certificate issued for this name too.',
  },
  SERVER_PURPOSE: {
    step: 'server',
    level: 'problem',
    advice: 'It is not for servers (extended key usage serverAuth): have one issued that is.',
  },
  SERVER_REFUSED: {
    step: 'server',
    level: 'problem',
    advice: `What is wrong with it is in the sentence. ${askOperator}`,
  },
  SERVER_NOT_EXAMINED: {
    step: 'server',
    level: 'note',
    advice: 'Without trust anchors that can be read nobody can say whether this is the right server.',
  },

  CLIENT_ACCEPTED: { step: 'client', level: 'ok' },
  CLIENT_NOT_ASKED: {
    step: 'client',
    level: 'note',
    advice:
      'The server does not ask for a client certificate, so it does not know by it who connects: switch it on there (mosquitto: require_certificate; EMQX: verify = verify_peer).',
  },
  CLIENT_UNTRUSTED: {
    step: 'client',
    level: 'problem',
    advice: `The server does not know the CA of the device's certificate, or got too short a chain: give it the fleet's CA certificates. ${askOperator}`,
  },
  CLIENT_EXPIRED: {
    step: 'client',
    level: 'problem',
    advice:
      "If the certificate is still good by a right clock, the server's CRL has run out, or its clock is ahead. Else renew it.",
  },
  CLIENT_REVOKED: {
    step: 'client',
    level: 'problem',
    advice: 'The operator took the certificate back. Only the operator can let the device in again, with a new key.',
  },
  CLIENT_REQUIRED: {
    step: 'client',
    level: 'problem',
    advice:
      'The server wants a certificate and the device could not send one: the server may take only some kinds of keys.',
  },
  CLIENT_MAYBE_REFUSED: {
    step: 'client',
    level: 'problem',
    advice:
      'The server closed the connection without a word when it had the certificate. Servers made with Node.js do that when they do not accept it: look whether it is revoked, and of a CA that the server knows.',
  },

  MQTT_OK: { step: 'mqtt', level: 'ok' },
  MQTT_NOT_ASKED: { step: 'mqtt', level: 'note', advice: 'First see to what stands above, then try again.' },
  MQTT_REFUSED: {
    step: 'mqtt',
    level: 'problem',
    advice:
      'The broker knows who it is and says no: is the device active, is the client identifier the one that it may use, do the rules of the broker let it in?',
  },
  MQTT_BUSY: { step: 'mqtt', level: 'problem', advice: 'Wait; the device tries again by itself.' },
  MQTT_NOT_SPOKEN: {
    step: 'mqtt',
    level: 'problem',
    advice: 'TLS works, and what answers behind it is not MQTT over TCP: is this the port of HTTPS or of WebSocket?',
  },
  MQTT_NO_ANSWER: {
    step: 'mqtt',
    level: 'problem',
    advice:
      'TLS works, and the broker does not answer CONNECT: it may be overloaded, or a proxy without a broker behind it answers.',
  },
}
