import { once } from 'node:events'
import { type Fleet, issuerPath } from '@fleetcert/core'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'
import { followRevocations, ledgerEnd } from './follow-revocations.ts'
import type { DemoHub } from './start-hub.ts'

/** Enrols a second device, prints what to try with it, and waits for Ctrl-C. */
export async function keepRunning(parts: {
  fleet: Fleet
  hub: DemoHub
  broker: DemoBroker
  folder: FleetFolder
}): Promise<void> {
  const { fleet, hub, broker, folder } = parts
  const id = 'sensor-2'
  const answer = await hub.call('POST', `/api/devices/certificates/${id}`, { owner: 'alice' })
  folder.writeFiles(id, { certificate: String(answer['clientCert']), privateKey: String(answer['clientKey']) })
  const crlPath = `/crl/${issuerPath((await fleet.crl()).issuerKeyId)}-0.crl`
  const files = `--cafile ${folder.caCert} --cert ${folder.path(`devices/${id}-cert.pem`)} --key ${folder.path(`devices/${id}-key.pem`)}`
  const token = `-H 'authorization: Bearer ${hub.operatorToken}'`
  const device = `${hub.url}/api/devices/certificates/${id}`
  const stop = new AbortController()
  const following = followRevocations(parts, await ledgerEnd(fleet), stop.signal)
  // Heard below; until then nobody waits for it.
  following.catch(() => {})
  process.stdout.write(`
Running until Ctrl-C. A second device, ${id}, is enrolled. Try:

  # What does the fleet know of it?
  curl -s -w '\\n' ${token} ${device}

  # Its certificate, and a handshake with it
  openssl x509 -noout -text -in ${folder.path(`devices/${id}-cert.pem`)}
  openssl s_client -connect 127.0.0.1:${broker.port} -CAfile ${folder.caCert} -cert ${folder.path(`devices/${id}-cert.pem`)} -key ${folder.path(`devices/${id}-key.pem`)} </dev/null

  # Publish with it
  mosquitto_pub -h 127.0.0.1 -p ${broker.port} ${files} -i ${id}/cli -t users/alice/devices/${id}/telemetry -m '{"temperature":21}' -d

  # Throw it out, then publish again${broker.enforcer === undefined ? ` (${broker.name} has the new CRL within a second)` : ''}
  curl -s -w '\\n' -X DELETE ${token} ${device}

  # Anybody may read the CRL: its URL is in the certificate
  curl -s ${hub.url}${crlPath} | openssl crl -inform DER -noout -text
`)
  try {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), following])
  } finally {
    stop.abort()
  }
  await following
  process.stdout.write('\n')
}
