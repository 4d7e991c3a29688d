"""From kie.ai's documentation pages to vendored documents, contracts and low-level clients.

The way: `pages` finds the document in a page, `vendor` keeps it, `normalize` repairs it by the `rules`,
`overlays` correct what no rule can, `contracts` and `codegen` write what the library runs on.
"""
