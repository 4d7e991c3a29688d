from kie_acme.sketch import Sketch

from kie_registry.testing import AdapterConformance


class TestSketch(AdapterConformance):
    adapter = Sketch
