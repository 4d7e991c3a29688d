"""What changed between two editions of a model's page.

`findings` and `constraints` compare schemas keyword by keyword, `schemas` the parameters of an input, `compare`
whole models; `differing`, `places` and `wording` tell of the rest of a page. `editions` matches many models,
`checking` holds the vendored ones against newer pages or the catalog.
"""
