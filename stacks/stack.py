"""The whole system, as one stack: reading this file is reading the architecture."""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment, Stack, Tags
from constructs import Construct

import tasks
from domain import layout
from domain.settings import Settings
from stacks.access import Access
from stacks.alarms import Alarms
from stacks.dashboard import Dashboard
from stacks.data import Data
from stacks.endpoint import ServerlessEndpoint
from stacks.functions import Functions
from stacks.images import serving_image, training_image
from stacks.notifications import Notices
from stacks.sourcedir import SourceDir
from stacks.state_machine.pipeline import Pipeline
from stacks.training import Training
from stacks.triggers import Triggers, Watchers


class AutomateMlops(Stack):
    """One project's pipeline. `local` fits it to the local cloud; what that changes is listed in a test."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, local: bool = False, env: Environment
    ) -> None:
        super().__init__(scope, construct_id, env=env, description="Drop data, get a live model")
        project, measures = settings.project, tasks.measures(settings.task)
        data = Data(self, "Data", project=project)
        notices = Notices(self, "Notices", project=project, email=settings.notify_email)
        source = SourceDir(self, "SourceDir", task=settings.task)
        serving = serving_image(self, "ServingImage", task=settings.task, setting=settings.serving.image, local=local)
        trainer = training_image(self.region, settings.training.aws_image, setting=settings.training.image)
        training = Training(
            self,
            "Training",
            project=project,
            settings=settings.training,
            measures=measures,
            image=trainer,
            source=source,
            bucket=data.bucket,
        )
        endpoint = ServerlessEndpoint(self, "Endpoint", settings=settings, image=serving, bucket=data.bucket)
        access = Access(
            self,
            project=project,
            bucket=data.bucket,
            ledger=data.ledger,
            topic=notices.topic,
            endpoint_role=endpoint.role,
            serving_repository_arn=serving.repository_arn,
        )
        environment = {
            "PROJECT": project,
            "BUCKET": data.bucket.bucket_name,
            "LEDGER": data.ledger.table_name,
            "STATE_MACHINE_ARN": access.state_machine_arn(),
            "TOPIC_ARN": notices.topic.topic_arn,
            "ENDPOINT": endpoint.name,
            "SETTINGS": settings.model_dump_json(),
            "CODE_URI": source.uri,
            "CODE_HASH": source.code_hash,
            "TRAINING_IMAGE": trainer.uri,
            "SERVING_IMAGE": serving.uri,
            "ENDPOINT_ROLE_ARN": endpoint.role.role_arn,
        }
        functions = Functions(
            self,
            "Functions",
            settings=settings,
            access=access,
            environment=environment,
            dead_letters=notices.dead_letters,
            local=local,
        )
        pipeline = Pipeline(self, "Pipeline", settings=settings, functions=functions, training=training, access=access)
        watchers = Watchers(
            self,
            "Watchers",
            project=project,
            machine=pipeline.machine,
            observe=functions["observe"],
            reconcile=functions["reconcile"],
            approve=functions["approve"],
            dead_letters=notices.dead_letters,
        )
        # All that teardown uses is made before the custom resource, and so deleted after it.
        converged = endpoint.converge_by(
            functions["deploy-on-event"],
            functions["deploy-is-complete"],
            needs=[data, notices.topic, training, functions, pipeline, watchers],
        )
        triggers = Triggers(
            self,
            "Triggers",
            bucket=data.bucket,
            machine=pipeline.machine,
            dead_letters=notices.dead_letters,
            sweep_hours=settings.operations.sweep_hours,
        )
        # Deleted first of all: nothing may start while the stack is being taken down.
        triggers.node.add_dependency(converged)
        Alarms(
            self,
            "Alarms",
            project=project,
            endpoint=endpoint,
            reconcile=functions["reconcile"],
            dead_letters=notices.dead_letters,
            topic=notices.topic,
        )
        if settings.operations.dashboard:
            Dashboard(
                self,
                "Dashboard",
                project=project,
                measures=measures,
                machine=pipeline.machine,
                functions=functions,
                training=training,
                endpoint=endpoint,
            )
        Tags.of(self).add("project", project)
        for name, value in {
            "Bucket": data.bucket.bucket_name,
            "Landing": layout.s3_uri(data.bucket.bucket_name, layout.LANDING),
            "StateMachine": pipeline.machine.state_machine_arn,
            "EndpointName": endpoint.name,
            "Ledger": data.ledger.table_name,
            "Topic": notices.topic.topic_arn,
        }.items():
            CfnOutput(self, name, value=value)
