"""The models that come with kie-registry, each in a module of its own, written as any plugin is."""
