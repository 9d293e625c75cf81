/** A program that the tests build with Go and start. */
export interface Backend {
  readonly name: string
  /** The Go package, and the version of its module. */
  readonly package: string
  readonly version: string
  /** How long its build takes at most. */
  readonly buildMsMax: number
  /** The arguments of the program that listens on `port` of loopback and keeps its data in `folder`. */
  readonly args: (port: number, folder: string) => readonly string[]
  /** Answers with 200 when the program is ready. */
  readonly readyPath: string
}

export const victoriaLogs: Backend = {
  name: 'victoria-logs',
  package: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
  version: 'v1.52.1',
  buildMsMax: 180_000,
  args: (port, folder) => [`-storageDataPath=${folder}`, `-httpListenAddr=127.0.0.1:${port}`, '-loggerLevel=ERROR'],
  readyPath: '/health',
}

/** The table of the backends, by name. */
export const backends: Readonly<Record<string, Backend>> = { [victoriaLogs.name]: victoriaLogs }
