import { readFileSync, writeFileSync } from 'node:fs'
import { runTool, temporaryDirectory } from '../../../../../test-support/tools.ts'

/** A CA as the guides' scripts make it with openssl, and the certificates that it has issued. */
export interface GuideCa {
  readonly certificate: string
  readonly key: string
  /** `cn`, with a serial number of its own or the next one of openssl's; an RSA key of so many `bits`, or a P-256 key, which takes no time. */
  issue(cn: string, options?: { readonly serial?: number; readonly days?: number; readonly bits?: number }): string
  /** The broker's: subjectAltName, serverAuth. */
  issueServer(host: string): string
  readonly path: (name: string) => string
  remove(): void
}

/** RSA-2048, a subject of C, ST, L, O and CN, ten years, neither SKI nor AKI, signing end entities directly. */
export function guideCa(options: { readonly passphrase?: string } = {}): GuideCa {
  const files = temporaryDirectory()
  const run = (...args: readonly string[]): void => {
    const { status, output } = runTool('openssl', args, { cwd: files.directory })
    if (status !== 0) throw new Error(output)
  }
  const read = (name: string): string => readFileSync(files.path(name), 'utf8')
  writeFileSync(
    files.path('ca.cnf'),
    '[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=CA:TRUE\n[none]\n[server]\nsubjectAltName=DNS:HOST\nextendedKeyUsage=serverAuth\n',
  )
  const protection = options.passphrase === undefined ? [] : ['-aes256', '-passout', `pass:${options.passphrase}`]
  run('genrsa', ...protection, '-out', 'ca.key', '2048')
  const opening = options.passphrase === undefined ? [] : ['-passin', `pass:${options.passphrase}`]
  const subject = '/C=DE/ST=Berlin/L=Berlin/O=MyIoT/CN=MyIoT Root CA'
  run(
    ...['req', '-x509', '-new', '-key', 'ca.key', '-sha256', '-days', '3650', '-out', 'ca.pem'],
    ...['-subj', subject, '-config', 'ca.cnf', '-extensions', 'ca', ...opening],
  )
  const sign = (name: string, cn: string, days: number, bits: number, more: readonly string[]): string => {
    if (bits > 0) run('genrsa', '-out', `${name}.key`, String(bits))
    else run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`)
    run(
      'req',
      '-new',
      '-key',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/C=DE/O=MyIoT/CN=${cn}`,
      '-config',
      'ca.cnf',
    )
    run(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-sha256', ...opening],
      ...['-days', String(days), '-out', `${name}.pem`, '-extfile', 'ca.cnf', ...more],
    )
    return read(`${name}.pem`)
  }
  let count = 0
  return {
    certificate: read('ca.pem'),
    key: read('ca.key'),
    issue(cn, { serial, days = 365, bits = 0 } = {}) {
      count += 1
      const number = serial === undefined ? ['-CAcreateserial'] : ['-set_serial', String(serial)]
      return sign(`d${count}`, cn, days, bits, ['-extensions', 'none', ...number])
    },
    issueServer(host) {
      count += 1
      writeFileSync(files.path('server.cnf'), `[server]\nsubjectAltName=DNS:${host}\nextendedKeyUsage=serverAuth\n`)
      return sign(`d${count}`, host, 365, 0, ['-extfile', 'server.cnf', '-extensions', 'server', '-CAcreateserial'])
    },
    path: files.path,
    remove: files.remove,
  }
}
