import type { AclRule } from '../topics/acl-rule.ts'
import { isTopicFilter } from '../topics/topic-filter.ts'
import {
  compileTemplate,
  compileTopicTemplates,
  isList,
  type RoleTopics,
  type TopicSubject,
  type TopicTemplates,
} from '../topics/topic-templates.ts'

/** Options of {@link mosquittoAcl}. */
export interface MosquittoAclOptions {
  /** Device ids of the services. Mosquitto knows no roles, so they are listed. */
  readonly services?: readonly string[]
  /** Every device of the fleet, such as collected from `fleet.devices()`. With it the file is exact: a block for each device, services included, and no pattern. It must be written anew for each new device. */
  readonly devices?: Iterable<TopicSubject>
}

const access = { publish: 'write', subscribe: 'read', all: 'readwrite' } as const
const defaultDeviceTopics = ['users/${owner}/devices/${deviceId}/#', 'devices/${deviceId}/#']

/**
 * Renders topic templates as an `acl_file` for Mosquitto 2.0, whose user name is the certificate's common name (see `mosquittoConfig`). What no line allows is denied.
 *
 * Without `devices` each template is one `pattern` line with `%u` for the device id. Mosquitto knows no owners, so `${owner}` becomes `+`: the device id in the topic is bound, the owner before it is not.
 * Mosquitto answers every SUBSCRIBE with success and applies these lines when it delivers.
 *
 * @throws TypeError for what a line cannot say, and as `createBrokerAuth` for malformed templates
 */
export function mosquittoAcl(templates: TopicTemplates = {}, options: MosquittoAclOptions = {}): string {
  const aclOf = compileTopicTemplates(templates)
  const blocks: string[] = []
  if (options.devices === undefined) {
    blocks.push(patterns(templates.device ?? defaultDeviceTopics).join('\n'))
    for (const deviceId of options.services ?? []) {
      blocks.push(userBlock(deviceId, aclOf({ deviceId, role: 'service', attributes: {} })))
    }
  } else {
    if (options.services !== undefined)
      throw new TypeError('"services" and "devices" exclude each other: a device tells its role')
    for (const device of options.devices) blocks.push(userBlock(device.deviceId, aclOf(device)))
  }
  return `${['# Mosquitto 2.0. %u is the common name of the certificate: the device id.', ...blocks.filter(Boolean)].join('\n\n')}\n`
}

function userBlock(deviceId: string, acl: readonly AclRule[]): string {
  if (typeof deviceId !== 'string' || !/^[^\s\u0000-\u001f\u007f]{1,64}$/.test(deviceId))
    throw new TypeError('"deviceId" must be a device id')
  const lines = acl
    .filter(rule => rule.permission === 'allow')
    .flatMap(({ action, topics }) => topics.map(topic => `topic ${access[action]} ${topic}`))
  return [`user ${deviceId}`, ...lines].join('\n')
}

function patterns(topics: RoleTopics): string[] {
  const lines = (action: keyof typeof access, list: readonly string[] = []): string[] =>
    list.map(template => `pattern ${access[action]} ${pattern(template)}`)
  if (isList(topics)) return lines('all', topics)
  return [...lines('publish', topics.publish), ...lines('subscribe', topics.subscribe)]
}

function pattern(template: string): string {
  if (template.includes('%')) throw new TypeError(`"topics.device" must not hold %: ${template}`)
  const filled = compileTemplate(
    'topics.device',
    template,
  )(name => (name === 'deviceId' ? '%u' : name === 'owner' ? '+' : undefined))
  if (filled === undefined) throw new TypeError(`Mosquitto knows no attributes, give "devices": ${template}`)
  // `+` must be alone in its level: `fleet-${owner}` cannot be said.
  if (!isTopicFilter(filled)) throw new TypeError(`Mosquitto knows no owners, give "devices": ${template}`)
  return filled
}
