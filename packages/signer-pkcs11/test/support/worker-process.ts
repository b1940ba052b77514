// A process of its own: makes a key that others make too, or signs until it is killed. Arguments: what, the token's label.
import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
import { modulePath, pin } from './softhsm.ts'

const [what, tokenLabel] = process.argv.slice(2)
const keyring = pkcs11Keyring({ module: modulePath, tokenLabel: tokenLabel!, pin, sessions: 2 })
if (what === 'create') {
  const outcome = await keyring.create('ca', 'P-256').then(
    signer => Buffer.from(signer.publicKey).toString('hex'),
    (error: { code: string }) => error.code,
  )
  process.stdout.write(`${outcome}\n`)
  await keyring.close()
} else if (what === 'createMany') {
  for (let index = 0; ; index++) {
    await keyring.create(`key-${index}`, 'P-256')
    process.stdout.write('.')
  }
} else if (what === 'leave') {
  // Without closing: a process that is done must end.
  await keyring.create('left', 'P-256')
  process.stdout.write('made\n')
}
