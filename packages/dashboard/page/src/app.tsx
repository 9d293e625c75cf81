import { Breakers } from './breakers.tsx'
import { Charts } from './charts.tsx'
import { Drawer } from './drawer.tsx'
import { Errors } from './errors.tsx'
import { Header } from './header.tsx'
import { Help } from './help.tsx'
import { Honesty } from './honesty.tsx'
import { parts, t } from './state.ts'
import { Tail } from './tail.tsx'
import { Tiles } from './tiles.tsx'
import { VerdictLine } from './verdict-line.tsx'

/** The page, in the order in which it is read. */
export function App() {
  return (
    <>
      <a class="skip" href="#content">
        {t.value.skip}
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        <VerdictLine />
        {parts.value !== undefined && parts.value.summary.lines.read > 0 && (
          <>
            <Tiles />
            <Charts />
            <Breakers />
            <Errors />
            <Tail />
          </>
        )}
      </main>
      <Honesty />
      <Drawer />
      <Help />
    </>
  )
}
