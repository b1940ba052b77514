/** What a dead process's calls answer. Nobody is there to hear it: it only ends what the process was doing. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}
