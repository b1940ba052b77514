import { GetPublicKeyCommand, type KMSClient, SignCommand, type SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import { remoteSigner, type SignatureAlgorithm, type Signer } from '@fleetcert/core'

/** Options of {@link awsKmsSigner}. */
export interface AwsKmsSignerOptions {
  /** Your share of the account's quota for Sign. Default 100. */
  readonly maxPerSecond?: number
}

const signingAlgorithms: Readonly<Partial<Record<SignatureAlgorithm, SigningAlgorithmSpec>>> = {
  'ecdsa-with-SHA256': 'ECDSA_SHA_256',
  'ecdsa-with-SHA384': 'ECDSA_SHA_384',
  'ecdsa-with-SHA512': 'ECDSA_SHA_512',
  sha256WithRSAEncryption: 'RSASSA_PKCS1_V1_5_SHA_256',
  sha384WithRSAEncryption: 'RSASSA_PKCS1_V1_5_SHA_384',
  sha512WithRSAEncryption: 'RSASSA_PKCS1_V1_5_SHA_512',
}

/**
 * A signer whose key is in AWS KMS; `undefined` where there is no such key. Of the client nothing is closed.
 *
 * @param keyId key id, ARN or alias. An alias is followed once: one that is moved to another key changes nothing until the next start, which then refuses the key.
 */
export async function awsKmsSigner(
  client: KMSClient,
  keyId: string,
  { maxPerSecond = 100 }: AwsKmsSignerOptions = {},
): Promise<Signer | undefined> {
  const key = await client.send(new GetPublicKeyCommand({ KeyId: keyId })).catch((error: unknown) => {
    if ((error as { name?: unknown }).name === 'NotFoundException') return undefined
    throw error
  })
  if (key === undefined) return undefined
  const { KeyId, PublicKey, KeyUsage } = key
  if (KeyId === undefined || PublicKey === undefined || KeyUsage !== 'SIGN_VERIFY') {
    throw new Error(`the key is for ${KeyUsage}, not for SIGN_VERIFY`)
  }
  return remoteSigner({
    publicKey: PublicKey,
    maxPerSecond,
    async sign({ algorithm, digest }, { signal }) {
      const SigningAlgorithm = signingAlgorithms[algorithm]
      // Ed25519 and ML-DSA take the whole message, and KMS no more than 4,096 octets: not a CRL.
      if (SigningAlgorithm === undefined || digest === undefined)
        throw new Error(`${algorithm} is not for CAs in AWS KMS`)
      const command = new SignCommand({ KeyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm })
      const answer = await client.send(command, { abortSignal: signal })
      if (answer.KeyId !== KeyId || answer.SigningAlgorithm !== SigningAlgorithm || answer.Signature === undefined) {
        throw new Error('the answer is of another key or algorithm')
      }
      return answer.Signature
    },
  })
}
