/** What EMQX is answered, in whichever dialect. */
export interface EmqxAnswer {
  readonly status: 200 | 403
  readonly contentType: 'application/json' | 'text/plain'
  readonly body: string
}
