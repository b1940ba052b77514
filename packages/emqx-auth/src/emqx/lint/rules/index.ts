import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { anonymous } from './anonymous.ts'
import { authenticatorAlone } from './authenticator-alone.ts'
import { authenticatorMissing } from './authenticator-missing.ts'
import { backendFailures } from './backend-failures.ts'
import { certificateFiles } from './certificate-files.ts'
import { crlCacheUrls } from './crl-cache-urls.ts'
import { crlCheckVerifyPeer } from './crl-check-verify-peer.ts'
import { crlDistributionPoint } from './crl-distribution-point.ts'
import { crlEncoding } from './crl-encoding.ts'
import { crlEverywhere } from './crl-everywhere.ts'
import { crlFetchTime } from './crl-fetch-time.ts'
import { failIfNoPeerCert } from './fail-if-no-peer-cert.ts'
import { headerPlaceholder } from './header-placeholder.ts'
import { hookRequest } from './hook-request.ts'
import { hookTimeout } from './hook-timeout.ts'
import { hookTls } from './hook-tls.ts'
import { hookUrl } from './hook-url.ts'
import { noMatchDeny } from './no-match-deny.ts'
import { nodeCache } from './node-cache.ts'
import { notHere } from './not-here.ts'
import { peerCertAsClientid } from './peer-cert-as-clientid.ts'
import { permissiveSource } from './permissive-source.ts'
import { placeholders } from './placeholders.ts'
import { plainListener } from './plain-listener.ts'
import { proxyProtocol } from './proxy-protocol.ts'
import { quicListener } from './quic-listener.ts'
import { release } from './release.ts'
import { sessionResumption } from './session-resumption.ts'
import { superuserHook } from './superuser-hook.ts'
import { tlsVersions } from './tls-versions.ts'
import { verifyPeer } from './verify-peer.ts'

/** In the order of docs/emqx.md. @internal */
export const emqxLintRules: readonly EmqxLintRule[] = [
  release,
  notHere,
  verifyPeer,
  failIfNoPeerCert,
  plainListener,
  quicListener,
  proxyProtocol,
  sessionResumption,
  tlsVersions,
  certificateFiles,
  crlCheckVerifyPeer,
  crlEverywhere,
  crlDistributionPoint,
  crlEncoding,
  crlCacheUrls,
  crlFetchTime,
  authenticatorMissing,
  authenticatorAlone,
  anonymous,
  superuserHook,
  hookUrl,
  hookTls,
  hookRequest,
  placeholders,
  headerPlaceholder,
  hookTimeout,
  nodeCache,
  backendFailures,
  noMatchDeny,
  permissiveSource,
  peerCertAsClientid,
]
