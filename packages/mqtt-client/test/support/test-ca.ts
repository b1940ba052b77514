import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from '../../../../test-support/tools.ts'

export interface TestCredential {
  readonly certificate: string
  readonly certificatePath: string
  readonly privateKey: string
  readonly privateKeyPath: string
}

export interface IssueRequest {
  /** `DNS:localhost,IP:127.0.0.1`; with it the certificate is a server's, without a client's. */
  readonly names?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** P-256 by default. */
  readonly key?: 'P-256' | 'RSA'
}

/** A CA made by openssl in a folder of its own: certificates for any time, and a CRL. */
export interface TestCa extends Disposable {
  readonly directory: string
  readonly certificate: string
  readonly certificatePath: string
  readonly crlPath: string
  issue(commonName: string, request?: IssueRequest): TestCredential
  /** Revokes, and writes the CRL anew. */
  revoke(credential: TestCredential): void
}

const dayMilliseconds = 86_400_000
const config = `
[ca]
default_ca = this
[this]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = new
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = empty
x509_extensions = authority
[empty]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`

/** Makes a CA whose certificate is valid from twenty days ago for forty days. */
export function createTestCa(name: string): TestCa {
  const directory = mkdtempSync(join(tmpdir(), 'fleetcert-mqtt-'))
  const inside = (file: string): string => join(directory, file)
  mkdirSync(inside('new'))
  writeFileSync(inside('ca.cnf'), config)
  writeFileSync(inside('index.txt'), '')
  writeFileSync(inside('serial'), '1000\n')
  writeFileSync(inside('crlnumber'), '01\n')
  openssl(directory, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ca.key')
  openssl(directory, 'req', '-new', '-config', 'ca.cnf', '-key', 'ca.key', '-subj', `/CN=${name}`, '-out', 'ca.csr')
  // `openssl ca` takes any start and end; `openssl req -x509` of 3.0 begins now.
  openssl(
    directory,
    ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-selfsign', '-extensions', 'authority'],
    ...['-startdate', opensslTime(-20), '-enddate', opensslTime(20), '-in', 'ca.csr', '-out', 'ca.pem'],
  )
  const writeCrl = (): void => openssl(directory, 'ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl')
  writeCrl()
  let count = 0
  return {
    directory,
    certificate: readFileSync(inside('ca.pem'), 'utf8'),
    certificatePath: inside('ca.pem'),
    crlPath: inside('ca.crl'),
    issue(commonName, request = {}) {
      count += 1
      const stem = `issued-${count}`
      const key =
        request.key === 'RSA'
          ? ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
          : ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
      openssl(directory, 'genpkey', '-algorithm', ...key, '-out', `${stem}.key`)
      const subject = ['-subj', `/CN=${commonName}`]
      openssl(directory, 'req', '-new', '-config', 'ca.cnf', '-key', `${stem}.key`, ...subject, '-out', `${stem}.csr`)
      const purpose = request.names === undefined ? 'clientAuth' : `serverAuth\nsubjectAltName=${request.names}`
      writeFileSync(inside(`${stem}.ext`), `keyUsage=critical,digitalSignature\nextendedKeyUsage=${purpose}\n`)
      openssl(
        directory,
        ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-extfile', `${stem}.ext`],
        ...['-startdate', request.notBefore ? toOpensslTime(request.notBefore) : opensslTime(-1)],
        ...['-enddate', request.notAfter ? toOpensslTime(request.notAfter) : opensslTime(10)],
        ...['-in', `${stem}.csr`, '-out', `${stem}.pem`],
      )
      return {
        certificate: readFileSync(inside(`${stem}.pem`), 'utf8'),
        certificatePath: inside(`${stem}.pem`),
        privateKey: readFileSync(inside(`${stem}.key`), 'utf8'),
        privateKeyPath: inside(`${stem}.key`),
      }
    },
    revoke(credential) {
      openssl(directory, 'ca', '-config', 'ca.cnf', '-revoke', credential.certificatePath)
      writeCrl()
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function openssl(directory: string, ...parameters: string[]): void {
  const { status, output } = runTool('openssl', parameters, { cwd: directory })
  if (status !== 0) throw new Error(`openssl ${parameters[0]}: ${output}`)
}

/** A date so many days from now; negative is past. */
export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * dayMilliseconds)
}

function opensslTime(days: number): string {
  return toOpensslTime(daysFromNow(days))
}

function toOpensslTime(date: Date): string {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}
