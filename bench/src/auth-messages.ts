import type { ChildProcess } from 'node:child_process'
import type { Template } from './auth-devices.ts'

/** What a load generator is asked to do. */
export interface AuthLoad {
  readonly port: number
  readonly template: Template
  /** Devices that are asked about are chosen among so many of the fleet's, evenly and with repetition. */
  readonly devices: number
  readonly seconds: number
  readonly connections: number
  /** Requests under way on each connection; with `rate`, as many as come. */
  readonly depth: number
  /** Requests a second at moments of their own, whatever was answered; without it as many as are answered. */
  readonly rate?: number
}

/** What it found. */
export interface AuthLoaded {
  /** Answers per second. */
  readonly rate: number
  readonly answers: number
  /** Of them refused by a server that fell behind; with `rate` alone. */
  readonly refused?: number
  /** From the moment at which a request was due to the last octet of its answer, milliseconds; with `rate` alone. */
  readonly p50?: number
  readonly p99?: number
}

/** A device that connects. PEM. */
export interface ConnectIdentity {
  readonly deviceId: string
  readonly cert: string
  readonly key: string
}

/** What the processes of this benchmark tell each other. */
export type AuthMessage =
  | { readonly type: 'ready'; readonly port: number }
  | ({ readonly type: 'load' } & AuthLoad)
  | ({ readonly type: 'loaded' } & AuthLoaded)
  /** Connect to a broker for so long. */
  | { readonly type: 'connect'; readonly port: number; readonly seconds: number }
  /** Whether the fleet is asked, or everybody allowed. */
  | { readonly type: 'ask'; readonly fleet: boolean }
  | { readonly type: 'usage' }
  /** CPU time of the server so far, microseconds. */
  | { readonly type: 'used'; readonly cpu: number }

/** Resolves the next message of a type; rejects when the process ends before. */
export function heard<Type extends AuthMessage['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<AuthMessage, { readonly type: Type }>> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error(`the process that should say ${type} is gone`))
    const hear = (message: AuthMessage): void => {
      if (message.type !== type) return
      child.off('message', hear).off('exit', gone)
      resolve(message as Extract<AuthMessage, { readonly type: Type }>)
    }
    child.on('message', hear).on('exit', gone)
  })
}
