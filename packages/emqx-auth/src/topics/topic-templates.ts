import type { DeviceRecord } from '@fleetcert/core'
import { type AclRule, denyAll, type TopicAction } from './acl-rule.ts'
import { isTopicFilter } from './topic-filter.ts'

/** Topic filters with the placeholders `${deviceId}`, `${owner}` and `${attributes.NAME}`: one list for both actions, or one for each; a list that is left out allows nothing. */
export type RoleTopics =
  | readonly string[]
  | { readonly publish?: readonly string[]; readonly subscribe?: readonly string[] }

/** What each role may publish and subscribe to. A role that is left out has its default topics; an empty list allows nothing. */
export interface TopicTemplates {
  /** Default: `users/${owner}/devices/${deviceId}/#`, or `devices/${deviceId}/#` for a device without an owner. */
  readonly device?: RoleTopics
  /** Default: `users/+/devices/+/#` and `devices/+/#`. */
  readonly service?: RoleTopics
}

/** What a template takes its values from. */
export type TopicSubject = Pick<DeviceRecord, 'deviceId' | 'role' | 'owner' | 'attributes'>

/** Makes a device's rules from the compiled templates; the last one denies everything. */
export type AclBuilder = (subject: TopicSubject) => readonly AclRule[]

type Fill = (subject: TopicSubject) => string | undefined
interface CompiledRole {
  readonly publish: readonly Fill[]
  readonly subscribe: readonly Fill[]
}

const placeholder = /\$\{([^{}]*)\}/g
const ownedTopics = ['users/${owner}/devices/${deviceId}/#']
const attributeName = /^attributes\.([A-Za-z0-9_-]{1,64})$/

// With one of these a value could widen the filter it is put into, or be read as a placeholder by a broker. No identifier may hold them, whatever alphabet a fleet chose: here it is made sure of.
const unsafeValue = /[+#/$,\\%"'{}\s\u0000-\u001f\u007f-\u009f]/

/**
 * Checks and compiles templates, once.
 * @throws TypeError for an unknown placeholder, a misplaced wildcard, or what is not a topic filter.
 */
export function compileTopicTemplates(templates: TopicTemplates = {}): AclBuilder {
  const { device = ['devices/${deviceId}/#'], service = ['users/+/devices/+/#', 'devices/+/#'] } = templates
  const unownedDevice = compileRole('topics.device', device)
  const ownedDevice = templates.device === undefined ? compileRole('topics.device', ownedTopics) : unownedDevice
  const serviceRole = compileRole('topics.service', service)
  return subject => {
    if (subject.role === 'service') return rules(serviceRole, subject)
    return rules(subject.owner === undefined ? unownedDevice : ownedDevice, subject)
  }
}

/**
 * Fills the placeholders of one template by `value`; what it does not answer (`undefined`) ends the filling with `undefined`.
 * @throws TypeError as {@link compileTopicTemplates}
 */
export function compileTemplate(
  label: string,
  template: string,
): (value: (name: string) => string | undefined) => string | undefined {
  if (typeof template !== 'string') throw new TypeError(`"${label}" must hold strings`)
  const sample = template.replace(placeholder, (_, name: string) => {
    if (name !== 'deviceId' && name !== 'owner' && !attributeName.test(name)) {
      throw new TypeError(`"${label}" has an unknown placeholder: ${template}`)
    }
    return 'x'
  })
  if (sample.includes('${')) throw new TypeError(`"${label}" has a placeholder without an end: ${template}`)
  // A line end would begin another line of a broker's file.
  if (!isTopicFilter(sample) || /[\u0000-\u001f\u007f]/.test(sample))
    throw new TypeError(`"${label}" is not a topic filter: ${template}`)
  // EMQX reads `eq ` before a topic as an instruction; a share group is not part of what is allowed.
  if (sample.startsWith('eq ') || sample.startsWith('$share/'))
    throw new TypeError(`"${label}" must not begin so: ${template}`)
  // What stands still and what is filled in, by turns; a placeholder's name is at every odd place.
  const parts = template.split(placeholder)
  return value => {
    let filled = parts[0]!
    for (let index = 1; index < parts.length; index += 2) {
      const text = value(parts[index]!)
      if (text === undefined) return undefined
      filled += text + parts[index + 1]!
    }
    return filled
  }
}

function compileRole(label: string, topics: RoleTopics): CompiledRole {
  const compile = (name: string, list: readonly string[]): readonly Fill[] => {
    if (!isList(list)) throw new TypeError(`"${name}" must be an array of topic filters`)
    return list.map(template => {
      const fill = compileTemplate(name, template)
      return subject => fill(placeholderName => safeValue(subject, placeholderName))
    })
  }
  if (isList(topics)) {
    const both = compile(label, topics)
    return { publish: both, subscribe: both }
  }
  if (typeof topics !== 'object' || topics === null) throw new TypeError(`"${label}" must be an array or an object`)
  return {
    publish: compile(`${label}.publish`, topics.publish ?? []),
    subscribe: compile(`${label}.subscribe`, topics.subscribe ?? []),
  }
}

function rules(role: CompiledRole, subject: TopicSubject): readonly AclRule[] {
  const rule = (action: TopicAction | 'all', fills: readonly Fill[]): AclRule[] => {
    const topics = fills.flatMap(fill => {
      const topic = fill(subject)
      // As in `compileTemplate`: a value may have made what the template is not.
      return topic === undefined || topic.startsWith('eq ') ? [] : [topic]
    })
    return topics.length === 0 ? [] : [{ permission: 'allow', action, topics }]
  }
  if (role.publish === role.subscribe) return [...rule('all', role.publish), denyAll]
  return [...rule('publish', role.publish), ...rule('subscribe', role.subscribe), denyAll]
}

/** A value that can be put into a topic level without changing what the filter means; otherwise none, and the template is skipped. */
function safeValue(subject: TopicSubject, name: string): string | undefined {
  const isOwnField = name === 'deviceId' || name === 'owner'
  const value = isOwnField ? subject[name] : attributeOf(subject, name.slice('attributes.'.length))
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !unsafeValue.test(value)
    ? value
    : undefined
}

function attributeOf({ attributes }: TopicSubject, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

/** Array.isArray for readonly arrays. */
export function isList(topics: unknown): topics is readonly string[] {
  return Array.isArray(topics)
}
