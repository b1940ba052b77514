import { PkiError } from '@fleetcert/core'
import { ReplyError } from 'ioredis'
import { SimpleError } from 'redis'
import { describe, expect, it } from 'vitest'
import { toPkiError } from '../src/redis-error.ts'

const replies: readonly (readonly [reply: string, code: string, reason: string])[] = [
  ['LOADING Redis is loading the dataset in memory', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is loading its data'],
  [
    "READONLY You can't write against a read only replica.",
    'ERR_PKI_STORE_UNAVAILABLE',
    'the server is a replica, which takes no writes',
  ],
  [
    "OOM command not allowed when used memory > 'maxmemory'.",
    'ERR_PKI_STORE_UNAVAILABLE',
    'the server is out of memory',
  ],
  [
    'MISCONF Errors writing to the AOF file: No space left',
    'ERR_PKI_STORE_UNAVAILABLE',
    'the server cannot write to its disk',
  ],
  ['CLUSTERDOWN The cluster is down', 'ERR_PKI_STORE_UNAVAILABLE', 'the cluster is down'],
  ['MASTERDOWN Link with MASTER is down', 'ERR_PKI_STORE_UNAVAILABLE', 'the replica has lost its master'],
  ['MOVED 1 127.0.0.1:1', 'ERR_PKI_STORE_UNAVAILABLE', 'the fleet is at another node of the cluster'],
  [
    'TRYAGAIN Multiple keys request during rehashing',
    'ERR_PKI_STORE_UNAVAILABLE',
    'the cluster is moving the fleet to another node',
  ],
  ['BUSY Redis is busy running a script.', 'ERR_PKI_STORE_UNAVAILABLE', 'the server is busy with a script'],
  ['NOREPLICAS Not enough good replicas to write.', 'ERR_PKI_STORE_UNAVAILABLE', 'too few replicas are connected'],
  ['NOAUTH Authentication required.', 'ERR_PKI_STORE_UNAVAILABLE', 'access denied'],
  ['WRONGPASS invalid username-password pair', 'ERR_PKI_STORE_UNAVAILABLE', 'access denied'],
  ["NOPERM User hub has no permissions to run the 'evalsha' command", 'ERR_PKI_STORE_UNAVAILABLE', 'access denied'],
  ['ERR max number of clients reached', 'ERR_PKI_STORE_UNAVAILABLE', 'the server refused a command'],
  ['WRONGTYPE Operation against a key', 'ERR_PKI_STORE_CORRUPT', 'a key of the fleet holds something else'],
  ['ERR user_script:3: data string too short script: 5e', 'ERR_PKI_STORE_CORRUPT', 'a script stumbled over the data'],
]

describe('an error of a client', () => {
  it.each(replies)('%s', (reply, code, reason) => {
    // Both clients have classes of their own for what the server answers.
    for (const error of [new SimpleError(reply), new ReplyError(reply)]) {
      expect(toPkiError(error)).toMatchObject({ code, details: { reason } })
    }
  })

  it('that is none of the server’s says that it cannot be reached', () => {
    const errors = [
      new Error('Socket closed unexpectedly'),
      Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      'text',
      undefined,
    ]
    for (const error of errors) {
      expect(toPkiError(error)).toMatchObject({
        code: 'ERR_PKI_STORE_UNAVAILABLE',
        details: { reason: 'the server cannot be reached' },
      })
    }
  })

  it('leaves nothing in ours of what was sent or said', () => {
    const secret = 'c0ffee'.repeat(8)
    const said = Object.assign(new ReplyError(`ERR unknown argument '${secret}'`), {
      command: { name: 'evalsha', args: [secret] },
    })
    for (const error of [said, Object.assign(new Error(secret), { command: { args: [secret] } })]) {
      const ours = toPkiError(error)
      expect(inspectAll(ours)).not.toContain(secret)
      expect(ours.cause).toBeInstanceOf(Error)
    }
  })

  it('that is ours already stays as it is', () => {
    const error = new PkiError('ERR_PKI_CURSOR', {})
    expect(toPkiError(error)).toBe(error)
  })
})

function inspectAll(error: Error): string {
  const { cause } = error
  const own = JSON.stringify(error, Object.getOwnPropertyNames(error)) + error.stack
  return cause instanceof Error ? own + inspectAll(cause) : own
}
