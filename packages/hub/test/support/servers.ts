import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Hub, toNodeHandler } from '@fleetcert/hub'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'

export interface Running {
  readonly port: number
  close(): Promise<void>
}

/** A way of serving a hub that users have. */
export interface Face {
  readonly name: string
  /** In front of every path. */
  readonly prefix: string
  /** A body parser has read bodies before the hub: what is not JSON never gets that far. */
  readonly isParsedBefore: boolean
  start(hub: Hub): Promise<Running>
}

export const faces: readonly Face[] = [
  face('node:http', hub => listen(createServer(toNodeHandler(hub)))),
  face('node:http around a function of one’s own', hub =>
    listen(createServer(toNodeHandler((request, context) => hub(request, context)))),
  ),
  face('Express', hub => listen(express().use(toNodeHandler(hub)))),
  face('Express below a prefix', hub => listen(express().use('/pki', toNodeHandler(hub))), { prefix: '/pki' }),
  face(
    'Express behind body parsers',
    hub => listen(express().use(express.json(), express.urlencoded({ extended: false }), toNodeHandler(hub))),
    { isParsedBefore: true },
  ),
  face(
    'Express behind a parser that keeps the bytes',
    hub => {
      const keep = express.json({
        verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes, body: undefined }),
      })
      return listen(express().use(keep, toNodeHandler(hub)))
    },
    { isParsedBefore: true },
  ),
  face('Fastify in a scope without parsers', async hub => {
    const app = fastify()
    const handler = toNodeHandler(hub)
    app.register(async scope => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.all('/*', (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
  }),
  face(
    'Fastify with its parsers',
    async hub => {
      const app = fastify()
      const handler = toNodeHandler(hub)
      app.all('/*', (request, reply) => {
        reply.hijack()
        handler(Object.assign(request.raw, { body: request.body }), reply.raw)
      })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
    },
    { isParsedBefore: true },
  ),
  face('Express behind parsers of every type, the bytes kept', hub => {
    const raw = express.raw({ type: () => true, limit: '1mb' })
    return listen(express().use(raw, toNodeHandler(hub)))
  }),
  face('Fastify with a parser for every type', async hub => {
    const app = fastify()
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    const handler = toNodeHandler(hub)
    app.all('/*', (request, reply) => {
      reply.hijack()
      handler(Object.assign(request.raw, { body: request.body }), reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
  }),
  face('Hono, all', hub => {
    const app = new Hono().all('*', context => hub(context.req.raw))
    return listen(createServer(toNodeHandler(async request => app.fetch(request))))
  }),
  face(
    'Hono, mounted',
    hub => {
      const app = new Hono().mount('/pki', request => hub(request))
      return listen(createServer(toNodeHandler(async request => app.fetch(request))))
    },
    { prefix: '/pki' },
  ),
]

export async function listen(server: Server | RequestListener): Promise<Running> {
  const listening = typeof server === 'function' ? createServer(server) : server
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  return {
    port: (listening.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        listening.close(() => resolve())
        listening.closeAllConnections()
      }),
  }
}

function face(
  name: string,
  start: Face['start'],
  { prefix = '', isParsedBefore = false }: { prefix?: string; isParsedBefore?: boolean } = {},
): Face {
  return { name, prefix, isParsedBefore, start }
}
