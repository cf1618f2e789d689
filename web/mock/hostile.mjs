// SPDX-License-Identifier: Apache-2.0
// What an attacker may write into fields that reach the console. If one of these ever runs, it calls
// alert() or sets window.pwned; the tests look for both.

export const HOSTILE = [
  "<script>window.pwned=1;alert(1)</script>",
  '"><img src=x onerror="window.pwned=1;alert(1)">',
  "<svg/onload=alert(1)>",
  "javascript:alert(document.domain)",
  "{{constructor.constructor('alert(1)')()}}",
  "</textarea><script>alert(1)</script>",
  "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
  "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
  "<a href='data:text/html,<script>alert(1)</script>'>click</a>",
  "<math><mtext></form><form><mglyph><svg><mtext><textarea><path id='</textarea><img onerror=alert(1) src>'>",
  "invoice\u202Efdp.exe",
  "admin\u200b\u2066istrator\u2069",
  "a\u0000b\u001b[31mred\u0007",
  "\ufeff\u061c\u180ehidden",
  "\ud800 lone surrogate \udc00",
  "z\u0335\u0336\u0337\u0338algo".repeat(40),
  "%00%0d%0aSet-Cookie:x=1",
  "__proto__",
  "constructor",
  "A".repeat(200000),
  `${"\u202E".repeat(500)}gnorw`,
];

export const HOSTILE_LINKS = [
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "//evil.example/",
  "vbscript:x",
];
