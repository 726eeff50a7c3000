// New mails appear by themselves, and mails open without a reload. Without this script all of it works by links.

/** Fetches a page and puts the named parts of it in the place of those shown. */
async function take(url, ids) {
  const answer = await fetch(url)
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const id of ids) {
    const fresh = page.getElementById(id)
    if (fresh) document.getElementById(id)?.replaceWith(document.adoptNode(fresh))
  }
  document.title = page.title
  document.body.className = page.body.className
}

/** Shows another mail or tab, and keeps the list where it is scrolled to. */
async function show(url) {
  const focused = document.activeElement?.id
  const scrolled = document.getElementById('rows').scrollTop
  await take(url, ['mail', 'rows'])
  document.getElementById('rows').scrollTop = scrolled
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

async function refreshList() {
  const focused = document.activeElement?.closest('#rows a')?.id
  const scrolled = document.getElementById('rows').scrollTop
  await take(location.href, ['rows', 'count', 'faults'])
  // A first mail takes the place of the page that explains how to get one.
  if (document.querySelector('#mail.welcome')) await take(location.href, ['mail'])
  document.getElementById('rows').scrollTop = scrolled
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/** Runs `job` soon, once for many calls, and never twice at a time. */
function soon(job, ms) {
  let wanted = false
  let busy = false
  return async () => {
    wanted = true
    if (busy) return
    busy = true
    while (wanted) {
      wanted = false
      await new Promise((resolve) => setTimeout(resolve, ms))
      await job().catch(() => undefined)
    }
    busy = false
  }
}

function step(by) {
  const rows = [...document.querySelectorAll('#rows a')]
  const current = rows.findIndex((row) => row.getAttribute('aria-current') === 'true')
  const next = rows[current === -1 ? 0 : current + by]
  if (!next) return
  next.focus()
  history.replaceState(null, '', next.href)
  void show(next.href)
}

const search = document.getElementById('search')

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-stay]')
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  history.pushState(null, '', link.href)
  void show(link.href)
})

addEventListener('popstate', () => {
  search.value = new URL(location.href).searchParams.get('q') ?? ''
  void show(location.href)
})

document.addEventListener('keydown', (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey) return
  if (event.target === search) {
    if (event.key === 'Escape') search.blur()
    if (event.key === 'ArrowDown') {
      event.preventDefault()
      step(1)
    }
    return
  }
  const steps = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }
  // Arrows scroll where one reads; in the list they move.
  const isArrow = event.key.startsWith('Arrow')
  if (event.key in steps && (!isArrow || event.target.closest('#rows'))) {
    event.preventDefault()
    step(steps[event.key])
  } else if (event.key === '/') {
    event.preventDefault()
    search.focus()
  }
})

search.addEventListener(
  'input',
  soon(async () => {
    const url = new URL(location.href)
    if (search.value) url.searchParams.set('q', search.value)
    else url.searchParams.delete('q')
    history.replaceState(null, '', url)
    await refreshList()
  }, 150),
)

document.getElementById('clear').addEventListener('click', async () => {
  if (!confirm('Remove all mails from this inbox?')) return
  await fetch('/mails', { method: 'DELETE' })
  location.href = '/'
})

// `ready` comes with each connection: it makes good for what happened before it, or while it was lost.
const events = new EventSource('/events')
const refreshSoon = soon(refreshList, 100)
events.addEventListener('ready', refreshSoon)
events.addEventListener('changed', refreshSoon)
