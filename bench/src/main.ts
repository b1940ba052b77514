import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchAuth } from './auth.ts'
import { benchBackup } from './backup.ts'
import { benchCrl } from './crl.ts'
import { benchHotIssuer } from './hot-issuer.ts'
import { benchImport } from './import-time.ts'
import { benchIssue } from './issue.ts'
import { benchOcsp } from './ocsp.ts'
import { benchOcspHttp } from './ocsp-http.ts'
import { benchPkcs11 } from './pkcs11.ts'
import { benchRevoke } from './revoke.ts'
import { benchScale } from './scale.ts'
import { benchStore } from './store.ts'

interface BenchOptions {
  count?: number
  rounds?: number
  rows?: number
  devices?: number
  folder?: string
  only?: string[]
}

const benches: Record<string, (options: BenchOptions) => Promise<string>> = {
  issue: benchIssue,
  'hot-issuer': benchHotIssuer,
  scale: benchScale,
  crl: benchCrl,
  revoke: benchRevoke,
  'ocsp-http': benchOcspHttp,
  ocsp: benchOcsp,
  import: benchImport,
  auth: benchAuth,
  pkcs11: benchPkcs11,
  store: benchStore,
  backup: benchBackup,
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter(argument => argument !== '--'),
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    rounds: { type: 'string' },
    rows: { type: 'string' },
    devices: { type: 'string' },
    folder: { type: 'string' },
    only: { type: 'string', multiple: true },
    pinned: { type: 'boolean' },
  },
})
if (values.pinned === true && process.env['FLEETCERT_BENCH_PINNED'] !== '1') {
  // One core for this process and its threads; the peers are pinned alike.
  const args = ['-c', '0', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  execFileSync('taskset', args, { stdio: 'inherit', env: { ...process.env, FLEETCERT_BENCH_PINNED: '1' } })
  process.exit()
}
const names = positionals.length > 0 ? positionals : ['issue']
const options = {
  ...(values.count === undefined ? {} : { count: Number(values.count) }),
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  ...(values.rows === undefined ? {} : { rows: Number(values.rows) }),
  ...(values.devices === undefined ? {} : { devices: Number(values.devices) }),
  ...(values.folder === undefined ? {} : { folder: values.folder }),
  ...(values.only === undefined ? {} : { only: values.only }),
}
process.stdout.write(
  `Node ${process.version}, OpenSSL ${process.versions.openssl}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}\n\n`,
)
for (const name of names) {
  const bench = benches[name]
  if (bench === undefined) {
    process.stderr.write(`unknown benchmark ${JSON.stringify(name)}; there are: ${Object.keys(benches).join(', ')}\n`)
    process.exit(2)
  }
  process.stdout.write(`## ${name}\n\n${await bench(options)}\n`)
}
