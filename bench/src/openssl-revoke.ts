import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** `openssl ca -revoke` with an index file of `rows` revoked certificates: revocations per second, one process each; `undefined` without the tool. */
export function opensslRevoke(
  directory: string,
  rows: number,
  certificates: readonly string[],
): { readonly version: string; readonly rates: readonly number[] } | undefined {
  const version = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  if (version.status !== 0) return undefined
  const path = (name: string): string => join(directory, `openssl-${rows}-${name}`)
  const lines: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const serialNumber = (0x1000_0000 + row).toString(16).toUpperCase()
    lines.push(`R\t361121120000Z\t261121120000Z\t${serialNumber}\tunknown\t/CN=filled-${row}\n`)
  }
  writeFileSync(path('index.txt'), lines.join(''))
  writeFileSync(
    path('ca.cnf'),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${path('index.txt')}\ndefault_md = sha256\npolicy = any\n` +
      `private_key = ${path('key.pem')}\ncertificate = ${path('cert.pem')}\nunique_subject = no\n` +
      `[any]\ncommonName = supplied\n[req]\ndistinguished_name = name\n[name]\n`,
  )
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=bench'],
      ...['-config', path('ca.cnf'), '-keyout', path('key.pem'), '-out', path('cert.pem')],
    ],
    { stdio: 'ignore' },
  )
  const rates = certificates.map((certificate, index) => {
    writeFileSync(path(`${index}.pem`), certificate)
    const start = performance.now()
    execFileSync('openssl', ['ca', '-config', path('ca.cnf'), '-revoke', path(`${index}.pem`)], { stdio: 'ignore' })
    return 1000 / (performance.now() - start)
  })
  return { version: version.stdout.trim().split(' ').slice(0, 2).join(' '), rates }
}
