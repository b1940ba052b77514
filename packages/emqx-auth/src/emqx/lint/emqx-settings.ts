import type { Certificate } from '@fleetcert/core'
import type { EmqxRelease } from '../config/emqx-version.ts'
import type { TemplateOwner } from '../config/placeholders.ts'

/** What a file says about one thing. @internal */
export interface Setting {
  /** `undefined`: something that is not seen here, such as a variable, or not a plain value. */
  readonly value: string | number | boolean | undefined
  readonly line: number
  /** Its key, written in full. */
  readonly name: string
}

/** Settings below one key. @internal */
export interface Section {
  /** The key, written in full. */
  readonly name: string
  readonly line: number
  /** `undefined` for what is not said, and for `null`. */
  get(key: string): Setting | undefined
}

/** A listener that takes clients. @internal */
export interface Listener extends Section {
  readonly type: 'tcp' | 'ssl' | 'ws' | 'wss' | 'quic'
  /** Nobody wrote it: EMQX 5 starts one of each kind by itself. */
  readonly isImplied: boolean
  readonly bind: Setting | undefined
  readonly tls: Section
  /** Its own authenticators, which are asked instead of the others. */
  readonly chain: Chain | undefined
}

/** One of the authenticators or sources, in the order in which they are asked. @internal */
export interface Link extends Section {
  /** `http`, `file`, `built_in_database`, `cinfo`… */
  readonly kind: string | undefined
  readonly isEnabled: boolean
  readonly hook: Hook | undefined
  /** What the checks of a `cinfo` authenticator end in. */
  readonly verdicts: readonly (string | undefined)[]
}

/** @internal */
export interface Chain {
  readonly name: string
  readonly line: number
  /** `undefined`: not seen here. */
  readonly links: readonly Link[] | undefined
}

/** An HTTP request that EMQX makes to judge a client. @internal */
export interface Hook extends Section {
  readonly owner: TemplateOwner
  readonly url: Setting | undefined
  readonly method: Setting | undefined
  readonly headers: readonly (Setting & { readonly key: string })[]
  readonly body: readonly (Setting & { readonly key: string })[]
  readonly tls: Section
}

/** What rules look at: a configuration of EMQX 4.x, 5 or 6 in one shape. @internal */
export interface EmqxSettings {
  readonly format: 'hocon' | 'emqx4'
  readonly release: EmqxRelease | undefined
  readonly root: Section
  readonly listeners: readonly Listener[]
  /** Of the clients whose listener has none of its own. */
  readonly authentication: Chain
  readonly authorization: Chain
  /** Lines of what is written elsewhere. */
  readonly includes: readonly number[]
  readonly deviceCertificate: Certificate | undefined
  readonly files: ReadonlyMap<string, readonly Certificate[]>
}
