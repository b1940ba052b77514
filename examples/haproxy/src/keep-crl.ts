import { hash, randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { issuerPath, parseCertificate } from '@fleetcert/core'

// Beside each Mosquitto: keeps its crl.pem up to date from the hubs, and tells it by SIGHUP.

const { HUB_URL, CRL_FILE, PID_FILE, SECONDS = '5' } = process.env
if (HUB_URL === undefined || CRL_FILE === undefined || PID_FILE === undefined) {
  throw new Error('HUB_URL, CRL_FILE or PID_FILE is not set')
}

let written = await readFile(CRL_FILE, 'utf8').catch(() => '')
for (;;) {
  try {
    const text = await currentCrls(HUB_URL)
    if (text !== written) {
      const temporary = `${CRL_FILE}.${randomBytes(4).toString('hex')}`
      await writeFile(temporary, text)
      await rename(temporary, CRL_FILE)
      const pid = Number((await readFile(PID_FILE, 'utf8')).trim())
      if (!(pid > 0)) throw new Error('no process id')
      process.kill(pid, 'SIGHUP')
      written = text
      console.log('crl.pem is new')
    }
  } catch (error) {
    // The last one holds until its nextUpdate; from then on Mosquitto lets nobody in.
    console.error(`crl.pem: ${(error as Error).message}`)
  }
  await sleep(Number(SECONDS) * 1000)
}

/** Of the issuing CA and the root, one after the other. */
async function currentCrls(hub: string): Promise<string> {
  const { caCert } = JSON.parse(await get(`${hub}/api/devices/certificates/ca/certificate`)) as { caCert: string }
  const authorities = caCert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const names = authorities.map(pem => issuerPath(hash('sha256', parseCertificate(pem).subjectPublicKeyInfo)))
  const crls = await Promise.all([...new Set(names)].map(name => get(`${hub}/crl/${name}-0.pem`)))
  return crls.join('')
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`status ${response.status}`)
  return response.text()
}
