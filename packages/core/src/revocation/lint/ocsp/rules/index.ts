import type { OcspLintRule } from '../ocsp-rule.ts'
import { ocspCertIdHash } from './ocsp-cert-id-hash.ts'
import { ocspCertIdIssuer } from './ocsp-cert-id-issuer.ts'
import { ocspCertsNeeded } from './ocsp-certs-needed.ts'
import { ocspCertsNotEmpty } from './ocsp-certs-not-empty.ts'
import { ocspCriticalDefault } from './ocsp-critical-default.ts'
import { ocspDelegateIncluded } from './ocsp-delegate-included.ts'
import { ocspDelegateIssuedDirectly } from './ocsp-delegate-issued-directly.ts'
import { ocspDelegateNoPointers } from './ocsp-delegate-no-pointers.ts'
import { ocspDelegateNocheck } from './ocsp-delegate-nocheck.ts'
import { ocspDelegateNocheckForm } from './ocsp-delegate-nocheck-form.ts'
import { ocspDelegatePurpose } from './ocsp-delegate-purpose.ts'
import { ocspDelegateShortLived } from './ocsp-delegate-short-lived.ts'
import { ocspExtendedRevoke } from './ocsp-extended-revoke.ts'
import { ocspExtensionsNotEmpty } from './ocsp-extensions-not-empty.ts'
import { ocspNextUpdate } from './ocsp-next-update.ts'
import { ocspNoCriticalExtension } from './ocsp-no-critical-extension.ts'
import { ocspNoDuplicateExtension } from './ocsp-no-duplicate-extension.ts'
import { ocspNonceEchoed } from './ocsp-nonce-echoed.ts'
import { ocspNonceForm } from './ocsp-nonce-form.ts'
import { ocspProducedAt } from './ocsp-produced-at.ts'
import { ocspReasonNotUnspecified } from './ocsp-reason-not-unspecified.ts'
import { ocspResponderIdByKey } from './ocsp-responder-id-by-key.ts'
import { ocspResponderIdForm } from './ocsp-responder-id-form.ts'
import { ocspResponderIdMatches } from './ocsp-responder-id-matches.ts'
import { ocspResponseBytes } from './ocsp-response-bytes.ts'
import { ocspResponseExtensions } from './ocsp-response-extensions.ts'
import { ocspResponseStatus } from './ocsp-response-status.ts'
import { ocspResponseType } from './ocsp-response-type.ts'
import { ocspResponsesAgree } from './ocsp-responses-agree.ts'
import { ocspResponsesAskedFor } from './ocsp-responses-asked-for.ts'
import { ocspResponsesPresent } from './ocsp-responses-present.ts'
import { ocspRevocationReason } from './ocsp-revocation-reason.ts'
import { ocspRevocationTime } from './ocsp-revocation-time.ts'
import { ocspSignatureAlgorithmFitsSigner } from './ocsp-signature-algorithm-fits-signer.ts'
import { ocspSignatureAlgorithmParameters } from './ocsp-signature-algorithm-parameters.ts'
import { ocspTimeForm } from './ocsp-time-form.ts'
import { ocspUpdateOrder } from './ocsp-update-order.ts'
import { ocspVersion } from './ocsp-version.ts'
import { ocspVersionDefault } from './ocsp-version-default.ts'
import { ocspWithinDelegate } from './ocsp-within-delegate.ts'

/** Every rule, in the order of the fields they look at. */
export const ocspLintRules: readonly OcspLintRule[] = [
  ocspResponseStatus,
  ocspResponseBytes,
  ocspResponseType,
  ocspVersion,
  ocspVersionDefault,
  ocspResponderIdByKey,
  ocspResponderIdForm,
  ocspResponderIdMatches,
  ocspDelegateIncluded,
  ocspCertsNotEmpty,
  ocspCertsNeeded,
  ocspSignatureAlgorithmParameters,
  ocspSignatureAlgorithmFitsSigner,
  ocspDelegatePurpose,
  ocspDelegateIssuedDirectly,
  ocspDelegateNocheck,
  ocspDelegateNocheckForm,
  ocspDelegateNoPointers,
  ocspDelegateShortLived,
  ocspWithinDelegate,
  ocspTimeForm,
  ocspNextUpdate,
  ocspUpdateOrder,
  ocspProducedAt,
  ocspRevocationTime,
  ocspRevocationReason,
  ocspReasonNotUnspecified,
  ocspResponsesPresent,
  ocspResponsesAskedFor,
  ocspResponsesAgree,
  ocspCertIdHash,
  ocspCertIdIssuer,
  ocspResponseExtensions,
  ocspExtensionsNotEmpty,
  ocspNoDuplicateExtension,
  ocspCriticalDefault,
  ocspNoCriticalExtension,
  ocspNonceForm,
  ocspNonceEchoed,
  ocspExtendedRevoke,
]
