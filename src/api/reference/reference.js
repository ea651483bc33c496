// Draws /v1/openapi.json. Text goes in as text only: the page's policy allows no markup from strings.

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** An element with attributes and children. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children.filter((child) => child !== undefined && child !== ''))
  return element
}

const nameOf = (ref) => ref.split('/').pop()

/** A schema in one line, with links to named ones. */
function typeOf(schema) {
  if (!schema) return 'anything'
  if (schema.$ref) return el('a', { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))
  if (schema.allOf?.length === 1) return typeOf(schema.allOf[0])
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const choices = schema.oneOf ?? schema.anyOf
  if (choices) return el('span', {}, ...choices.flatMap((each, index) => (index ? [' | ', typeOf(each)] : [typeOf(each)])))
  if (schema.prefixItems) return el('span', {}, '[', ...schema.prefixItems.flatMap((each, index) => (index ? [', ', typeOf(each)] : [typeOf(each)])), ']')
  if (schema.type === 'array') return el('span', {}, 'list of ', typeOf(schema.items))
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'anything')
  return schema.format ? `${type} (${schema.format})` : type
}

function fields(schema) {
  const required = new Set(schema.required ?? [])
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    el('tr', {}, el('td', {}, el('code', {}, required.has(name) ? name : `${name}?`)), el('td', {}, typeOf(property)), el('td', { class: 'muted' }, property.description ?? '')),
  )
  if (rows.length === 0) return el('p', {}, typeOf(schema))
  return el('table', {}, el('tbody', {}, ...rows))
}

function parameters(list) {
  if (!list?.length) return undefined
  const rows = list.map((each) =>
    el('tr', {}, el('td', {}, el('code', {}, each.required ? each.name : `${each.name}?`)), el('td', {}, `in ${each.in}`), el('td', {}, typeOf(each.schema)), el('td', { class: 'muted' }, each.description ?? '')),
  )
  return el('table', {}, el('tbody', {}, ...rows))
}

function responses(all) {
  const rows = Object.entries(all ?? {}).map(([status, response]) => {
    const content = Object.entries(response.content ?? {})[0]
    return el('tr', {}, el('td', {}, el('code', {}, status)), el('td', {}, content ? typeOf(content[1].schema) : ''), el('td', { class: 'muted' }, response.description ?? ''))
  })
  return el('table', {}, el('tbody', {}, ...rows))
}

/** A value to begin with, made from the schema. */
function example(schema, schemas, depth = 0) {
  if (!schema || depth > 8) return null
  if (schema.example !== undefined) return schema.example
  if (schema.$ref) return example(schemas[nameOf(schema.$ref)], schemas, depth + 1)
  if (schema.allOf?.length === 1) return example(schema.allOf[0], schemas, depth)
  if (schema.enum) return schema.enum[0]
  const choice = (schema.oneOf ?? schema.anyOf)?.[0]
  if (choice) return example(choice, schemas, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') {
    const wanted = schema.required ?? []
    return Object.fromEntries(wanted.map((name) => [name, example(schema.properties?.[name], schemas, depth + 1)]))
  }
  if (type === 'array') return [example(schema.items, schemas, depth + 1)]
  if (type === 'integer' || type === 'number') return schema.minimum ?? 0
  if (type === 'boolean') return false
  return schema.format === 'uuid' ? uuid7() : ''
}

/** UUIDv7 stamped with this machine's time. */
function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  let ms = Date.now()
  for (let at = 5; at >= 0; at--, ms = Math.floor(ms / 256)) bytes[at] = ms % 256
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

let token = ''

/** Lets one send the request from here. */
function trial(method, path, operation, schemas) {
  const inputs = (operation.parameters ?? []).map((each) => [each, el('input', { name: each.name, autocomplete: 'off' })])
  const body = operation.requestBody?.content?.['application/json']
  const text = body && el('textarea', { 'aria-label': 'Request body', spellcheck: 'false' })
  if (text) text.value = JSON.stringify(example(body.schema, schemas), null, 2)
  const answer = el('pre', { 'aria-live': 'polite', tabindex: '0' })
  answer.hidden = true
  const form = el('form', {}, ...inputs.map(([each, input]) => el('label', {}, each.name, input)), text, el('button', {}, 'Send'))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    let url = path
    const query = new URLSearchParams()
    for (const [each, input] of inputs) {
      if (each.in === 'path') url = url.replace(`{${each.name}}`, encodeURIComponent(input.value))
      else if (input.value) query.set(each.name, input.value)
    }
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(text && { 'content-type': 'application/json' }) }
    answer.hidden = false
    try {
      const response = await fetch(query.size ? `${url}?${query}` : url, { method: method.toUpperCase(), headers, body: text?.value })
      const said = await response.text()
      let shown = said
      try {
        const value = JSON.parse(said)
        if (path === '/v1/login' && response.ok) token = value.token
        shown = JSON.stringify(value, null, 2)
      } catch {}
      answer.textContent = `${response.status}\n${shown}`
    } catch (error) {
      answer.textContent = String(error)
    }
  })
  return el('details', {}, el('summary', {}, 'Try it'), form, answer)
}

function operation(method, path, each, schemas) {
  const signed = each.security?.length ? el('p', { class: 'muted' }, 'Needs a bearer token. Log in below and it is used for what you try on this page.') : undefined
  const body = each.requestBody?.content?.['application/json']?.schema
  return el(
    'details',
    { id: `${method}-${path}` },
    el('summary', {}, el('code', {}, el('span', { class: 'method' }, method.toUpperCase()), ` ${path}`), each.summary ?? ''),
    each.description ? el('p', {}, each.description) : undefined,
    signed,
    parameters(each.parameters),
    body ? el('p', {}, 'Body: ', typeOf(body)) : undefined,
    responses(each.responses),
    trial(method, path, each, schemas),
  )
}

function draw(doc) {
  const schemas = doc.components?.schemas ?? {}
  const all = Object.entries(doc.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ tag: item[method].tags?.[0], element: operation(method, path, item[method], schemas) })),
  )
  const sections = (doc.tags ?? []).map((tag) =>
    el('section', {}, el('h2', {}, tag.description ?? tag.name), ...all.filter((each) => each.tag === tag.name).map((each) => each.element)),
  )
  const types = Object.entries(schemas).map(([name, schema]) =>
    el('details', { id: `schema-${name}` }, el('summary', {}, el('code', {}, name)), schema.description ? el('p', {}, schema.description) : undefined, fields(schema)),
  )
  const title = el('h1', {}, doc.info.title)
  const about = el('p', {}, doc.info.description ?? '')
  const version = el('p', { class: 'muted' }, `Build ${doc.info.version}. The document: `, el('a', { href: '/v1/openapi.json' }, '/v1/openapi.json'))
  document.getElementById('reference').replaceChildren(title, about, version, ...sections, el('section', {}, el('h2', {}, 'Types'), ...types))
  open()
}

/** A link to a type opens it. */
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (target instanceof HTMLDetailsElement) {
    target.open = true
    target.scrollIntoView()
  }
}

addEventListener('hashchange', open)
const response = await fetch('/v1/openapi.json')
if (response.ok) draw(await response.json())
else document.getElementById('reference').replaceChildren(el('p', {}, `The document cannot be had: ${response.status}`))
