"""IR -> ASM: the documents that Alibaba Cloud Service Mesh generates for lanes.

Field for field, key order included, what ASM 1.18 prints for a permissive lane group. A group in
strict mode gets the same without ``fallback``; that is inferred, since ASM's documents show the
generated objects of permissive groups only.

Entry points: ``documents.emit`` and ``limits.limits``.
"""
