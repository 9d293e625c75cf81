import { type ReadonlySignal, signal } from '@preact/signals'

/** A script that is loaded when it is needed, because most readers do not need it. */
export interface LaterScript<T> {
  readonly loaded: ReadonlySignal<T | 'failed' | undefined>
  /** Loads it once. After a failure it tries again. */
  readonly load: () => void
}

/** Creates a script that is loaded later, with its style: a style sheet that a script makes needs no further request. */
export function laterScript<T extends { readonly style: string }>(fetch: () => Promise<T>): LaterScript<T> {
  const loaded = signal<T | 'failed' | undefined>(undefined)
  let isAsked = false
  const load = (): void => {
    if (isAsked) return
    isAsked = true
    loaded.value = undefined
    fetch().then(
      (script) => {
        const sheet = new CSSStyleSheet()
        sheet.replaceSync(script.style)
        document.adoptedStyleSheets.push(sheet)
        loaded.value = script
      },
      () => {
        isAsked = false
        loaded.value = 'failed'
      },
    )
  }
  return { loaded, load }
}
