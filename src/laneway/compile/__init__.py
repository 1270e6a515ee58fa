"""Pure translation: a mesh becomes the IR (what each service does for each lane), and the IR
becomes Envoy configuration, ASM resources, or the simulator's answer. One IR, so that the three
cannot disagree.
"""
