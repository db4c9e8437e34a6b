/** The style sheet of a report: light and dark, on screen and on paper. */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1b1b1f; --soft: #5a5a66; --page: #ffffff; --panel: #f5f5f7; --edge: #d9d9df;
  --accent: #0b57d0; --error: #b3261e; --keyword: #7b2fb5; --string: #146c2e; --number: #9a4600; --type: #00639b; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e9; --soft: #a9a9b5; --page: #17171a; --panel: #212126;
  --edge: #3b3b43; --accent: #8ab4f8; --error: #ffb4ab; --keyword: #d7a9ff; --string: #8fd694; --number: #ffb77c; --type: #8ecdff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--page); padding: .5rem; }
pre, code { font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
h1 code, h2 code, h3 code { font-size: .86em; font-weight: inherit; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
section { margin: .75rem 0; }
.source { background: var(--panel); border: 1px solid var(--edge); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; }
.count { color: var(--soft); font-size: .75rem; }
.outputs { padding: .4rem 0 .4rem .8rem; border-left: 2px solid var(--edge); margin-top: .4rem; overflow-x: auto; }
.outputs > * + * { margin-top: .5rem; } .outputs p { margin: .3rem 0; }
.stderr { border-left: 3px solid var(--number); padding-left: .6rem; }
.error { border-left: 3px solid var(--error); padding-left: .6rem; }
.banner { border: 2px solid var(--error); border-radius: 6px; padding: .6rem .8rem; }
.text pre { background: var(--panel); border: 1px solid var(--edge); border-radius: 6px; padding: .6rem .8rem; }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--edge); color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: .8rem; }
caption { color: var(--soft); text-align: left; padding-bottom: .3rem; white-space: nowrap; }
th, td { border-bottom: 1px solid var(--edge); padding: .25rem .7rem .25rem 0; text-align: left; vertical-align: top; }
img { max-width: 100%; height: auto; }
.outputs img { max-width: max(100%, 34rem); }
@media (max-width: 40rem) { caption { white-space: normal; } }
@media screen and (prefers-color-scheme: dark) { .still img { filter: invert(.92) hue-rotate(180deg); mix-blend-mode: lighten; } }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: .85rem; white-space: pre-line; }
.drawn > img { display: none; }
.no-hover .interactive:not(.touched) .modebar-container { visibility: hidden; }
math[display=block] { overflow-x: auto; margin: .8rem 0; }
footer { color: var(--soft); font-size: .8rem; border-top: 1px solid var(--edge); margin-top: 3rem; padding-top: .6rem; overflow-wrap: anywhere; }
nav ul { list-style: none; padding-left: 1rem; margin: .3rem 0; }
.tok-keyword, .tok-operatorKeyword { color: var(--keyword); } .tok-string, .tok-string2 { color: var(--string); }
.tok-number, .tok-bool, .tok-atom { color: var(--number); } .tok-typeName, .tok-className, .tok-namespace { color: var(--type); }
.ansi-red-fg, .ansi-bright-red-fg { color: var(--error); } .ansi-green-fg, .ansi-bright-green-fg { color: var(--string); }
.ansi-yellow-fg, .ansi-bright-yellow-fg { color: var(--number); } .ansi-blue-fg, .ansi-bright-blue-fg, .ansi-cyan-fg, .ansi-bright-cyan-fg { color: var(--type); }
.ansi-magenta-fg, .ansi-bright-magenta-fg { color: var(--keyword); } .ansi-bright-black-fg { color: var(--soft); }
.tok-comment { color: var(--soft); font-style: italic; }
@media print { .interactive { display: none; } .drawn > img { display: inline-block; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } section, figure, tr, .source { break-inside: avoid; } h1, h2, h3 { break-after: avoid; }
  :root { color-scheme: light; --text: #000; --soft: #444; --page: #fff; --panel: #f5f5f7; --edge: #ccc; --accent: #0b57d0; } }
`;
