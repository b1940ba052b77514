import { once } from 'node:events'
import { type Fleet, issuerPath } from '@fleetcert/core'
import type { DemoBroker } from './demo-broker.ts'
import type { FleetFolder } from './fleet-folder.ts'
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
  const api = `curl -s -H 'authorization: Bearer ${hub.operatorToken}' ${hub.url}/api/devices/certificates`
  process.stdout.write(`
Running until Ctrl-C. A second device, ${id}, is enrolled. Try:

  # What does the fleet know of it?
  ${api}/${id}

  # Its certificate, and a handshake with it
  openssl x509 -noout -text -in ${folder.path(`devices/${id}-cert.pem`)}
  openssl s_client -connect 127.0.0.1:${broker.port} -CAfile ${folder.caCert} -cert ${folder.path(`devices/${id}-cert.pem`)} -key ${folder.path(`devices/${id}-key.pem`)} </dev/null

  # Publish with it
  mosquitto_pub -h 127.0.0.1 -p ${broker.port} ${files} -i ${id}/cli -t users/alice/devices/${id}/telemetry -m '{"temperature":21}' -d

  # Throw it out, then publish again
  ${api}/${id} -X DELETE

  # Anybody may read the CRL: its URL is in the certificate
  curl -s ${hub.url}${crlPath} | openssl crl -inform DER -noout -text
`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  process.stdout.write('\n')
}
