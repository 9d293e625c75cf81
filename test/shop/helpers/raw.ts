import { connect, type Socket } from 'node:net'

/** A connection on which a test decides about every byte. */
export interface RawConnection {
  readonly send: (text: string) => void
  /** All that came back so far. */
  readonly got: () => string
  /** When the other side has closed it, whichever way. */
  readonly closed: Promise<void>
  readonly end: () => void
}

/** Connects to a port of this machine; rejects when nobody listens. */
export function connectTo(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let got = ''
    socket.on('data', (chunk: Buffer) => {
      got += chunk
    })
    const closed = new Promise<void>((done) => socket.once('close', () => done()))
    socket.once('error', reject)
    socket.once('connect', () =>
      resolve({ send: (text) => void socket.write(text), got: () => got, closed, end: () => socket.destroy() }),
    )
  })
}
