/** A server of node:http or node:https. */
export interface DrainedServer {
  /** Takes no new connections, and calls back when the last one has ended. */
  close(done: (error?: Error) => void): unknown
  /** Heard before the application hears of a request. */
  prependListener(event: 'request', listener: (request: DrainedRequest, response: DrainedResponse) => void): unknown
  /** Ends the connections on which no request is under way. */
  closeIdleConnections?(): void
  /** Ends all. */
  closeAllConnections?(): void
}

/** What is looked at of a request. */
export interface DrainedRequest {
  /** HTTP/2 knows no Connection header. */
  readonly httpVersionMajor: number
}

/** What is said with its answer. */
export interface DrainedResponse {
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
}

/** Times of {@link Drain.end}. */
export interface DrainOptions {
  /**
   * How long everything is still answered while health says 503: longer than the load balancer needs to notice. With `inter 1s fall 2`, as `haproxyConfig` writes it, 2 to 3 s. Default 5; 0 where there is no load balancer.
   */
  readonly noticeSeconds?: number
  /** How long, after that, requests may take that are under way; then their connections are cut. Default 30. */
  readonly deadlineSeconds?: number
}

/** How a process leaves the pool of a load balancer. Given to `createHub`, so that health knows of it. */
export interface Drain {
  /** Whether it has begun. From then on `GET /api/health` answers 503, `{ status: 'draining' }`. */
  readonly isDraining: boolean
  /**
   * Leaves the pool and ends the servers: health says 503; for `noticeSeconds` everything is answered as before, each answer with `Connection: close`, so that clients and balancers come back over another connection; then
   * nothing new is taken, what is under way is answered, and the connections end. Resolves when none is left, at the latest after `noticeSeconds + deadlineSeconds`. Close the fleet after it. Called again, it is the same end.
   *
   * @throws TypeError for what is no server; RangeError for a time that is none
   */
  end(servers: DrainedServer | readonly DrainedServer[], options?: DrainOptions): Promise<void>
}
