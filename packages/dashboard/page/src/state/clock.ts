import { useEffect, useState } from 'preact/hooks'
import { isPaused, now } from './state.ts'

/** Returns the server's clock, which goes on between its messages: once a second, unless the page is paused. */
export function useNow(): number {
  const told = now.value
  const [passed, setPassed] = useState({ told, ms: 0 })
  useEffect(() => {
    const start = performance.now()
    const timer = setInterval(() => {
      if (!isPaused.peek()) setPassed({ told, ms: performance.now() - start })
    }, 1_000)
    return () => clearInterval(timer)
  }, [told])
  return passed.told === told ? told + passed.ms : told
}
