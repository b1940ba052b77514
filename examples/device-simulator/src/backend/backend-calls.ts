import type { CertificateCount } from './count-certificates.ts'
import {
  type Backend,
  type BackendAddress,
  type BackendOptions,
  type BackendReport,
  startBackend,
} from './start-backend.ts'

/** What the backend's process answers: a {@link Backend}, one call for each method. */
export type BackendCalls = {
  start(options: Omit<BackendOptions, 'gate'>): Promise<BackendAddress>
  /** One-time tokens, in the order of the ids. */
  tokens(request: { readonly deviceIds: readonly string[]; readonly owner: string }): Promise<readonly string[]>
  stopBroker(request: { readonly hangSeconds: number }): Promise<void>
  startBroker(nothing: null): Promise<void>
  /** Has every device renew at a moment of its own choice within so many seconds. */
  hurryRenewals(request: { readonly withinSeconds: number }): Promise<void>
  announceCa(nothing: null): Promise<void>
  useAnnouncedCa(nothing: null): Promise<void>
  certificates(nothing: null): Promise<CertificateCount>
  report(nothing: null): BackendReport
  close(nothing: null): Promise<void>
}

export function createBackendCalls(): BackendCalls {
  let backend: Backend | undefined
  const started = (): Backend => {
    if (backend === undefined) throw new Error('the backend has not been started')
    return backend
  }
  return {
    async start(options) {
      backend = await startBackend(options)
      return backend.address
    },
    async tokens({ deviceIds, owner }) {
      const tokens: string[] = []
      for (const deviceId of deviceIds) tokens.push((await started().fleet.createToken({ deviceId, owner })).token)
      return tokens
    },
    stopBroker: ({ hangSeconds }) => started().stopBroker(hangSeconds),
    startBroker: () => started().startBroker(),
    async hurryRenewals({ withinSeconds }) {
      const now = Date.now()
      await started().fleet.scheduleRenewals({ from: new Date(now), to: new Date(now + withinSeconds * 1000) })
    },
    announceCa: () => started().announceCa(),
    useAnnouncedCa: () => started().useAnnouncedCa(),
    certificates: () => started().certificates(),
    report: () => started().report(),
    close: async () => backend?.close(),
  }
}
