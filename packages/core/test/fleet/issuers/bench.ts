import { readFileSync, writeFileSync } from 'node:fs'
import {
  type DeviceCredential,
  type Fleet,
  type IssuerRecord,
  type Keyring,
  memoryKeyring,
  memoryStore,
  type OpenFleetOptions,
  openFleet,
  type Store,
} from '@fleetcert/core'
import { runTool, temporaryDirectory } from '../../../../../test-support/tools.ts'

/** The memory store outlives a fleet that closes it, as a file would. */
export const lasting = (store: Store): Store => ({
  ...store,
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
})

/** A store and a keyring that processes come and go on. */
export interface IssuerBench {
  readonly store: Store
  readonly keyring: Keyring
  now: Date
  open(options?: Partial<OpenFleetOptions>): Promise<Fleet>
  close(): Promise<void>
}

export function issuerBench(): IssuerBench {
  const opened: Fleet[] = []
  const bench: IssuerBench = {
    now: new Date(),
    store: lasting(memoryStore({ clock: () => bench.now })),
    keyring: memoryKeyring(),
    async open(options = {}) {
      const { store, keyring } = bench
      const fleet = await openFleet({ store, keyring, background: false, clock: () => bench.now, ...options })
      opened.push(fleet)
      return fleet
    },
    async close() {
      for (const fleet of opened) await fleet.close()
    },
  }
  return bench
}

export async function issuersOf(fleet: Fleet): Promise<IssuerRecord[]> {
  return Array.fromAsync(fleet.issuers())
}

/** The issuing CA or root in a state. */
export async function issuerIn(
  fleet: Fleet,
  role: IssuerRecord['role'],
  state: IssuerRecord['state'],
): Promise<IssuerRecord> {
  const found = (await issuersOf(fleet)).find(each => each.role === role && each.state === state)
  if (found === undefined) throw new Error(`no ${role} is ${state}`)
  return found
}

/** What openssl says of a chain: `OK`, or its reason. */
export function opensslVerify(
  { certificate, chain }: Pick<DeviceCredential, 'certificate' | 'chain'>,
  trustAnchors: string,
  options: {
    readonly crls?: readonly string[]
    readonly purpose?: 'sslclient' | 'sslserver'
    readonly at?: Date
    readonly strict?: boolean
  } = {},
): string {
  const files = temporaryDirectory()
  try {
    const write = (name: string, content: string): string => {
      writeFileSync(files.path(name), content)
      return files.path(name)
    }
    const { crls, purpose = 'sslclient', at = new Date(), strict = true } = options
    const { output, status } = runTool('openssl', [
      'verify',
      ...(strict ? ['-x509_strict'] : []),
      ...['-no-CApath', '-no-CAstore', '-purpose', purpose],
      ...['-attime', String(Math.floor(at.getTime() / 1000))],
      ...['-CAfile', write('anchors.pem', trustAnchors)],
      ...(chain === '' ? [] : ['-untrusted', write('chain.pem', chain)]),
      ...(crls === undefined ? [] : ['-crl_check_all', '-CRLfile', write('crls.pem', crls.join(''))]),
      write('certificate.pem', certificate),
    ])
    if (status === 0) return 'OK'
    return /error \d+ at \d+ depth lookup: (.*)/.exec(output)?.[1] ?? output
  } finally {
    files.remove()
  }
}

/** Whether GnuTLS takes a chain. */
export function gnutlsVerify(
  { certificate, chain }: Pick<DeviceCredential, 'certificate' | 'chain'>,
  trustAnchors: string,
): boolean {
  const files = temporaryDirectory()
  try {
    writeFileSync(files.path('chain.pem'), certificate + chain)
    writeFileSync(files.path('anchors.pem'), trustAnchors)
    const args = ['--verify', '--load-ca-certificate', files.path('anchors.pem'), '--infile', files.path('chain.pem')]
    return runTool('certtool', args).status === 0
  } finally {
    files.remove()
  }
}

/** What openssl makes of the fleet's OCSP answer about a certificate: `good`, `revoked`, or what it says. */
export async function opensslOcsp(
  fleet: Fleet,
  certificate: string,
  issuer: string,
  trustAnchors: string,
): Promise<string> {
  const files = temporaryDirectory()
  try {
    const names = { certificate, issuer, anchors: trustAnchors }
    for (const [name, pem] of Object.entries(names)) writeFileSync(files.path(`${name}.pem`), pem)
    const args = ['ocsp', '-issuer', 'issuer.pem', '-cert', 'certificate.pem', '-no_nonce']
    runTool('openssl', [...args, '-reqout', 'request.der'], { cwd: files.directory })
    const { der } = await fleet.ocsp(readFileSync(files.path('request.der')))
    writeFileSync(files.path('response.der'), der)
    const { output } = runTool(
      'openssl',
      [...args, '-respin', 'response.der', '-CAfile', 'anchors.pem', '-verify_other', 'issuer.pem'],
      {
        cwd: files.directory,
      },
    )
    if (!output.includes('Response verify OK')) return output
    return /certificate\.pem: (\w+)/.exec(output)?.[1] ?? output
  } finally {
    files.remove()
  }
}
