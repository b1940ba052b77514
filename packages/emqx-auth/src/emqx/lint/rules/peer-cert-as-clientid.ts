import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says } from '../rule-helpers.ts'

export const peerCertAsClientid: EmqxLintRule = {
  id: 'peer-cert-as-clientid',
  severity: 'warning',
  requirement: 'A client id is text that can stand in a topic.',
  *check({ root, listeners, format }) {
    const settings =
      format === 'hocon'
        ? [root.get('mqtt.peer_cert_as_clientid')]
        : listeners.map(({ get }) => get('peer_cert_as_clientid'))
    for (const setting of settings) {
      if (!says(setting, 'pem', 'crt')) continue
      yield {
        line: setting!.line,
        setting: setting!.name,
        message: 'base64 has / and +, and DER is no text: topics with such a client id mean something else',
        fix: 'peer_cert_as_clientid = cn, or nothing: the hook binds client ids to certificates',
      }
    }
  },
}
