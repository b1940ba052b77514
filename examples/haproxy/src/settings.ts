/** What a hub is told by its environment. */
export interface Settings {
  readonly redisUrl: string
  /** The folder that all hubs share: the keys of the CAs. */
  readonly keys: string
  readonly operatorToken: string
  readonly brokerSecret: string
  /** Names and addresses by which devices reach the hubs: what the TLS certificate says. */
  readonly hosts: readonly string[]
  readonly address: string
  readonly port: number
  readonly tlsPort: number
  /** Where brokers find CRLs, written into every certificate. */
  readonly publishUrl: string
  /** Told to devices. */
  readonly brokerUrl: string
  readonly noticeSeconds: number
}

/** @throws Error that names what is missing or wrong, never what it was */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const text = (name: string, otherwise?: string): string => {
    const value = environment[name] ?? otherwise
    if (value === undefined || value === '') throw new Error(`${name} is not set`)
    return value
  }
  const number = (name: string, otherwise: string): number => {
    const value = Number(text(name, otherwise))
    if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new Error(`${name} is not a whole number`)
    return value
  }
  return {
    redisUrl: text('REDIS_URL'),
    keys: text('FLEET_KEYS'),
    operatorToken: text('OPERATOR_TOKEN'),
    brokerSecret: text('BROKER_SECRET'),
    hosts: text('HUB_HOSTS').split(','),
    address: text('ADDRESS', '0.0.0.0'),
    port: number('PORT', '3000'),
    tlsPort: number('TLS_PORT', '3443'),
    publishUrl: text('PUBLISH_URL'),
    brokerUrl: text('BROKER_URL'),
    noticeSeconds: number('NOTICE_SECONDS', '5'),
  }
}
